// What both ends share: when events may come, and how a channel closes.

import type { Socket } from "node:net";
import type { CloseOptions } from "@multifrost/transport";
import { ConnectionError } from "multifrost";

/** The longest delay of a Node timer, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The steps of closing. */
export interface ClosingSteps {
  /** Sends what is queued; given up after `flushTimeoutMs`. */
  flush(): Promise<void>;
  /** Drops what is left and releases everything. */
  release(): Promise<void>;
}

/** From `open` to `close`. */
export interface Lifetime {
  /** Calls a user's handler, unless `close` was called. An error thrown by the handler becomes an uncaught exception. */
  emit(event: () => void): void;
  /** Throws `ConnectionError` (`CHANNEL_CLOSED`) once `close` was called. */
  checkOpen(): void;
  close(options?: CloseOptions): Promise<void>;
}

/** Starts a lifetime. */
export function createLifetime(endpoint: () => string, { flush, release }: ClosingSteps): Lifetime {
  let closing: Promise<void> | undefined;

  const end = async (flushTimeoutMs: number): Promise<void> => {
    if (flushTimeoutMs > 0) {
      await within(flushTimeoutMs, flush());
    }
    await release();
  };

  return {
    emit(event) {
      if (closing !== undefined) {
        return;
      }
      try {
        event();
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    },
    checkOpen() {
      if (closing !== undefined) {
        throw channelClosed(endpoint());
      }
    },
    close({ flushTimeoutMs = 0 } = {}) {
      closing ??= end(flushTimeoutMs);
      return closing;
    },
  };
}

/** The error for what is sent, or still queued, when a channel is closed. */
export function channelClosed(endpoint: string): ConnectionError {
  return new ConnectionError("CHANNEL_CLOSED", `The channel at ${endpoint} is closed.`, { endpoint });
}

/**
 * Ends a socket in order: what was written arrives, and the other end confirms by ending too. Destroying it at once would
 * discard what the system has not sent yet, especially if unread data has arrived.
 */
export function endSocket(socket: Socket): Promise<void> {
  return closed(socket, () => socket.end());
}

/** Ends a socket at once. */
export function destroySocket(socket: Socket): Promise<void> {
  return closed(socket, () => socket.destroy());
}

async function closed(socket: Socket, end: () => void): Promise<void> {
  if (!socket.closed) {
    await new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
      end();
    });
  }
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(timeoutMs, LONGEST_TIMER_MS));
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
