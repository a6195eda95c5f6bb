// The answering end: it listens, and has an outbox for each connection, so that a peer that does not read delays no other.

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import {
  type ChannelLimits,
  formatTcpEndpoint,
  LOOPBACK,
  type Peer,
  type ServerChannel,
  type ServerEvents,
  type ServerTransport,
} from "@multifrost/transport";
import { ConnectionError } from "multifrost";
import { readFrames } from "./framing.js";
import { channelClosed, createLifetime, endSocket } from "./lifetime.js";
import { checkSize, completeLimits, createOutbox, notify, type Outbox } from "./outbox.js";

/** Where to listen, and the bounds. Bounds on the queue apply to each peer. */
export interface NetServerOptions extends ChannelLimits {
  /** Default: 0, the system chooses; read the channel's `endpoint`. */
  port?: number;
  /** Default: `127.0.0.1`. There is no authentication: with `0.0.0.0` any machine may call. */
  host?: string;
}

interface Connection {
  readonly socket: Socket;
  readonly outbox: Outbox;
}

/** Listens for any number of {@link netClient}s. */
export function netServer(options: NetServerOptions = {}): ServerTransport {
  return { open: (events) => openServer(options, events) };
}

async function openServer(
  { port = 0, host = LOOPBACK, ...bounds }: NetServerOptions,
  events: ServerEvents,
): Promise<ServerChannel> {
  const limits = completeLimits(bounds);
  const connections = new Map<Peer, Connection>();
  let endpoint = formatTcpEndpoint({ host, port });
  let made = 0;

  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    made += 1;
    const peer = `peer-${made}`;
    const outbox = createOutbox(limits);
    connections.set(peer, { socket, outbox });
    life.emit(() => events.up());
    outbox.sendOn(socket);
    readFrames(socket, limits.maxMessageBytes, {
      message: (bytes) => life.emit(() => events.message(peer, bytes)),
      tooLarge: () => life.emit(() => events.dropped("too-large")),
    });
    // "close" follows every error, after all received data has been read.
    socket.on("error", () => {});
    socket.on("close", () => {
      connections.delete(peer);
      outbox.fail(peerUnknown(endpoint, peer));
      life.emit(() => events.down());
      life.emit(() => events.peerGone(peer));
    });
  });

  let stopped: Promise<void> | undefined;
  /** Accepts no more connections; resolves when the existing ones have ended. */
  const stopListening = (): Promise<void> => {
    stopped ??= new Promise((resolve) => {
      server.close(() => resolve());
    });
    return stopped;
  };

  const life = createLifetime(() => endpoint, {
    async flush() {
      void stopListening();
      const ended = [...connections.values()].map(async ({ socket, outbox }) => {
        await outbox.whenEmpty();
        await endSocket(socket);
      });
      await Promise.all(ended);
    },
    async release() {
      for (const { socket, outbox } of connections.values()) {
        outbox.fail(channelClosed(endpoint));
        socket.destroy();
      }
      await stopListening();
    },
  });

  try {
    await listening(server, port, host);
  } catch (cause) {
    const message = `${endpoint} cannot be listened on: ${(cause as Error).message}`;
    throw new ConnectionError("UNREACHABLE", message, { endpoint, cause });
  }
  endpoint = formatTcpEndpoint({ host, port: (server.address() as AddressInfo).port });

  return {
    endpoint,
    get queued() {
      return [...connections.values()].reduce((sum, { outbox }) => sum + outbox.length, 0);
    },
    send(peer, bytes, settled) {
      life.checkOpen();
      const connection = connections.get(peer);
      if (connection !== undefined) {
        connection.outbox.push(bytes, settled);
        return;
      }
      checkSize(bytes, limits);
      notify(settled, peerUnknown(endpoint, peer));
    },
    close: life.close,
  };
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Later errors concern one connection that could not be accepted; the promise has settled by then.
    server.on("error", reject);
    server.listen(port, host, resolve);
  });
}

function peerUnknown(endpoint: string, peer: Peer): ConnectionError {
  return new ConnectionError("PEER_UNKNOWN", `No peer ${peer} is connected to ${endpoint}.`, { endpoint });
}
