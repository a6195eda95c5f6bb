// The answering end: listens, and has an outbox for each connection, so that a peer that does not read holds up no other.

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import {
  type ChannelLimits,
  ConnectionError,
  formatTcpEndpoint,
  LOOPBACK,
  type Peer,
  type ServerChannel,
  type ServerEvents,
  type ServerTransport,
} from "multifrost";
import { readFrames } from "./framing.js";
import { channelClosed, createLifetime, endSocket } from "./lifetime.js";
import { checkSize, completeLimits, createOutbox, type Outbox, tell } from "./outbox.js";

/** Where to listen, and the bounds. Those on the queue hold for each peer. */
export interface NetServerOptions extends ChannelLimits {
  /** Default: 0, the system chooses; the channel's `endpoint` tells which. */
  port?: number;
  /** Default: `127.0.0.1`. There is no authentication: with `0.0.0.0` everybody may call. */
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
    // Whatever the error is, "close" follows; and all that came before has been read by then.
    socket.on("error", () => {});
    socket.on("close", () => {
      connections.delete(peer);
      outbox.fail(peerUnknown(endpoint, peer));
      life.emit(() => events.down());
      life.emit(() => events.peerGone(peer));
    });
  });

  let stopped: Promise<void> | undefined;
  /** Takes no more connections; resolves when those there are have ended. */
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
      tell(settled, peerUnknown(endpoint, peer));
    },
    close: life.close,
  };
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Later errors are about one connection that could not be taken; then there is nobody left to reject for.
    server.on("error", reject);
    server.listen(port, host, resolve);
  });
}

function peerUnknown(endpoint: string, peer: Peer): ConnectionError {
  return new ConnectionError("PEER_UNKNOWN", `No peer ${peer} is connected to ${endpoint}.`, { endpoint });
}
