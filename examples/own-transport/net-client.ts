// The caller's end: one connection at a time, reconnected for as long as the channel is open.

import { connect, type Socket } from "node:net";
import {
  type ChannelLimits,
  type ClientChannel,
  type ClientEvents,
  type ClientTransport,
  formatTcpEndpoint,
  LOOPBACK,
} from "@multifrost/transport";
import { ConnectionError } from "multifrost";
import { readFrames } from "./framing.js";
import { channelClosed, createLifetime, destroySocket, endSocket } from "./lifetime.js";
import { completeLimits, createOutbox } from "./outbox.js";

/** The wait between two attempts to connect, in milliseconds: it starts here and doubles up to the longest. */
const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 1000;

/** The server's address, and the bounds. */
export interface NetClientOptions extends ChannelLimits {
  port: number;
  /** Default: `127.0.0.1`. */
  host?: string;
}

/** Connects to a {@link netServer}. */
export function netClient(options: NetClientOptions): ClientTransport {
  return { open: async (events) => openClient(options, events) };
}

function openClient({ port, host = LOOPBACK, ...bounds }: NetClientOptions, events: ClientEvents): ClientChannel {
  const limits = completeLimits(bounds);
  const endpoint = formatTcpEndpoint({ host, port });
  const outbox = createOutbox(limits);
  let socket: Socket;
  let isUp = false;
  let waitMs = FIRST_WAIT_MS;
  let retry: NodeJS.Timeout | undefined;
  let released = false;

  const life = createLifetime(() => endpoint, {
    async flush() {
      await outbox.whenEmpty();
      if (isUp) {
        await endSocket(socket);
      }
    },
    async release() {
      released = true;
      clearTimeout(retry);
      outbox.fail(channelClosed(endpoint));
      await destroySocket(socket);
    },
  });

  const dial = (): Socket => {
    const dialled = connect({ port, host, noDelay: true, keepAlive: true });
    dialled.on("connect", () => {
      if (isConnectedToItself(dialled)) {
        dialled.destroy();
        return;
      }
      isUp = true;
      waitMs = FIRST_WAIT_MS;
      life.emit(() => events.up());
      outbox.sendOn(dialled);
    });
    readFrames(dialled, limits.maxMessageBytes, {
      message: (bytes) => life.emit(() => events.message(bytes)),
      tooLarge: () => life.emit(() => events.dropped("too-large")),
    });
    // "close" follows every error, after all received data has been read.
    dialled.on("error", () => {});
    dialled.on("close", () => {
      if (isUp) {
        isUp = false;
        life.emit(() => events.down());
      }
      // Also while closing: what is queued may still go out.
      if (!released) {
        retry = setTimeout(dialAgain, waitMs);
        waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
      }
    });
    return dialled;
  };

  const dialAgain = (): void => {
    socket = dial();
  };

  try {
    socket = dial();
  } catch (cause) {
    const message = `${endpoint} cannot be connected to: ${(cause as Error).message}`;
    throw new ConnectionError("UNREACHABLE", message, { endpoint, cause });
  }

  return {
    endpoint,
    get queued() {
      return outbox.length;
    },
    send(bytes, settled) {
      life.checkOpen();
      outbox.push(bytes, settled);
    },
    close: life.close,
  };
}

/** On loopback, TCP can connect an unused port to itself; the server could then never bind it again. */
function isConnectedToItself({ localAddress, localPort, remoteAddress, remotePort }: Socket): boolean {
  return localPort === remotePort && localAddress === remoteAddress;
}
