// Faults of connections, decided by a seed.

import type { ClientTransport, ServerChannel, ServerTransport } from "@multifrost/transport";
import { type ChannelFaultOptions, checkFaultOptions, type FaultCounts, FaultPlan } from "./fault-plan.js";
import { FaultyClient } from "./faulty-client.js";
import { FaultyInbox } from "./faulty-inbox.js";
import { chooseSeed } from "./seed.js";

/**
 * Wraps transports so that messages are lost, late, doubled, out of order or changed, and connections are cut. The messages
 * that are met follow from the seed: the n-th message that arrives at an end has the same fate each time.
 *
 * ```ts
 * const faults = new ChannelFaults({ seed: 7, drop: 0.1, delay: 0.5 });
 * await using worker = await testWorker(new MathWorker(), { faults });
 * ```
 */
export class ChannelFaults {
  /** Decides which messages are met. */
  readonly seed: number;
  /** Faults so far. */
  readonly counts: FaultCounts = { drop: 0, duplicate: 0, reorder: 0, corrupt: 0, delay: 0, cut: 0 };
  /** Whether faults happen. Switch it off while a test prepares or looks at the outcome. */
  enabled = true;
  readonly #options: ChannelFaultOptions;
  readonly #clients = new Set<FaultyClient>();
  #ends = 0;

  /** Throws `MultifrostError` `INVALID_OPTION`. */
  constructor(options: ChannelFaultOptions = {}) {
    checkFaultOptions(options);
    this.#options = { ...options };
    this.seed = chooseSeed("channel faults", options.seed);
  }

  /** The caller's end, with faults in the messages that it receives, and cuts. */
  client(transport: ClientTransport): ClientTransport {
    return {
      ...(transport.capabilities && { capabilities: transport.capabilities }),
      open: async (events) => {
        const inbox = (cut: () => void): FaultyInbox => this.#inbox(cut);
        const client = await FaultyClient.open(transport, events, inbox, () => this.#clients.delete(client));
        this.#clients.add(client);
        return client;
      },
    };
  }

  /** The answering end, with faults in the messages that it receives. It cannot be cut: cut its clients. */
  server(transport: ServerTransport): ServerTransport {
    return {
      ...(transport.capabilities && { capabilities: transport.capabilities }),
      open: async (events) => {
        const inbox = this.#inbox();
        const channel = await transport.open({
          up: () => events.up(),
          down: () => {
            inbox.flush();
            events.down();
          },
          dropped: (reason) => events.dropped(reason),
          failed: (error) => events.failed(error),
          ...(events.arrived && { arrived: (connection) => events.arrived?.(connection) }),
          refused: (reason) => events.refused?.(reason),
          notListening: () => events.notListening?.(),
          message: (peer, bytes) => inbox.take(bytes, (arrived) => events.message(peer, arrived)),
          peerGone: (peer) => {
            inbox.flush();
            events.peerGone(peer);
          },
        });
        return closingFirst(channel, () => inbox.clear());
      },
    };
  }

  /** Cuts the connections of all clients now, also while faults are switched off. */
  cut(): void {
    for (const client of this.#clients) {
      this.counts.cut += 1;
      client.cut();
    }
  }

  #inbox(cut?: () => void): FaultyInbox {
    this.#ends += 1;
    const plan = new FaultPlan(this.#options, this.seed, this.#ends);
    return new FaultyInbox(plan, this, this.#options.maxDelayMs ?? 20, cut);
  }
}

/** The channel, with something to do when it closes. A channel may be an object of a class: its methods are called. */
function closingFirst(channel: ServerChannel, onClose: () => void): ServerChannel {
  return {
    endpoint: channel.endpoint,
    ...(channel.endpoints && { endpoints: channel.endpoints }),
    get queued() {
      return channel.queued;
    },
    send: (...message) => channel.send(...message),
    close: (options) => {
      onClose();
      return channel.close(options);
    },
  };
}
