// A transport inside one process: real channels with real queues, for tests and for parts that share a process.
// Next: memory-channel.ts, one end; switchboard.ts, which joins the ends; wire.ts, what is between two of them.

import type {
  ChannelLimits,
  ClientChannel,
  ClientEvents,
  ClientTransport,
  Peer,
  ServerChannel,
  ServerEvents,
  ServerTransport,
} from "../channel.js";
import { peerUnknown } from "../channel-errors.js";
import { resolveLimits } from "../limits.js";
import { createMemoryEnd } from "./memory-channel.js";
import { type ClientEnd, createSwitchboard, type Link, MEMORY_ENDPOINT, type Switchboard } from "./switchboard.js";
import type { NetworkConditions } from "./wire.js";

/** Options of {@link createMemoryTransport}. */
export interface MemoryTransportOptions extends ChannelLimits, NetworkConditions {}

/** One server and any number of clients that reach each other, and the plug to pull. */
export interface MemoryTransport {
  /** The answering end. One channel of it can be open at a time: beside it, `open` rejects with `UNREACHABLE`. */
  readonly server: ServerTransport;
  /** A caller's end. It may be opened before the server is: what it sends waits. */
  client(): ClientTransport;
  /** Cuts every connection at once, with what is under way; none is made until {@link MemoryTransport.reconnect}. */
  disconnect(): void;
  /** Lets connections be made again, each under a new peer name. */
  reconnect(): void;
}

/**
 * Makes a transport; two of them know nothing of each other.
 *
 * Throws `MultifrostError` (`INVALID_OPTION`) for bounds that are not positive integers.
 */
export function createMemoryTransport(options: MemoryTransportOptions = {}): MemoryTransport {
  const limits = resolveLimits(options);
  const switchboard = createSwitchboard(options);
  return {
    server: { open: async (events) => openServer(switchboard, limits, events) },
    client: () => ({ open: async (events) => openClient(switchboard, limits, events) }),
    disconnect: () => switchboard.unplug(),
    reconnect: () => switchboard.plug(),
  };
}

function openClient(board: Switchboard, limits: Required<ChannelLimits>, events: ClientEvents): ClientChannel {
  const end = createMemoryEnd(MEMORY_ENDPOINT, limits, {
    ready: () => client.link !== undefined,
    transmit({ bytes }) {
      client.link?.toServer.carry(bytes);
      return undefined;
    },
    idle: async () => client.link?.toServer.idle(),
    end: () => board.removeClient(client),
  });
  const client: ClientEnd = { end, events, link: undefined };
  board.addClient(client);
  return {
    endpoint: end.endpoint,
    get queued() {
      return end.queued;
    },
    send: (bytes, settled) => end.push({ peer: "", bytes, settled }),
    close: end.close,
  };
}

function openServer(board: Switchboard, limits: Required<ChannelLimits>, events: ServerEvents): ServerChannel {
  const links = new Map<Peer, Link>();
  const end = createMemoryEnd(MEMORY_ENDPOINT, limits, {
    ready: () => true,
    transmit({ peer, bytes }) {
      const link = links.get(peer);
      link?.toClient.carry(bytes);
      return link === undefined ? peerUnknown(MEMORY_ENDPOINT, peer) : undefined;
    },
    async idle() {
      await Promise.all([...links.values()].map(({ toClient }) => toClient.idle()));
    },
    end: () => board.removeServer(),
  });
  board.addServer({ end, events, links });
  return {
    endpoint: end.endpoint,
    get queued() {
      return end.queued;
    },
    send: (peer, bytes, settled) => end.push({ peer, bytes, settled }),
    close: end.close,
  };
}
