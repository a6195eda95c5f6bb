// One end of an in-memory connection: the queue, the turns in which it is sent, and the end of the channel.
// memory-transport.ts joins two of them.

import type { MultifrostError } from "@multifrost/protocol/errors";
import { callSafely, withLimit } from "@multifrost/protocol/internal";
import { settle } from "../call-handler.js";
import type { Channel, ChannelLimits, CloseOptions } from "../channel.js";
import { channelClosed } from "../channel-errors.js";
import { createSendQueue, type Outgoing } from "../send-queue.js";

/** What the other side of an end is. */
export interface MemoryLinks {
  /** Whether what is queued can go out now. */
  ready(): boolean;
  /** Takes one message; the error is for its sender. */
  transmit(item: Outgoing): MultifrostError | undefined;
  /** Resolves when nothing sent from here is under way. */
  idle(): Promise<void>;
  /** Ends every connection of this end. */
  end(): void;
}

/** An end: a channel but for the form of its `send`, with what its transport needs of it. */
export interface MemoryEnd extends Channel {
  push(item: Outgoing): void;
  /** Sends what is queued in the next turn; called when a connection has come up. */
  wake(): void;
  /** Calls a handler of the user, unless this end is closing. */
  emit(event: () => void): void;
}

/** Makes an end. */
export function createMemoryEnd(endpoint: string, limits: Required<ChannelLimits>, links: MemoryLinks): MemoryEnd {
  const queue = createSendQueue(limits);
  let phase: "open" | "closing" | "closed" = "open";
  let scheduled = false;
  let whenEmpty: () => void = () => {};
  let closing: Promise<void> | undefined;

  const flush = () => {
    scheduled = false;
    while (phase !== "closed" && links.ready()) {
      const item = queue.shift();
      if (item === undefined) {
        whenEmpty();
        return;
      }
      settle(item, links.transmit(item));
    }
  };

  const wake = () => {
    if (!scheduled) {
      scheduled = true;
      setImmediate(flush);
    }
  };

  const sendRest = async (): Promise<void> => {
    if (queue.length > 0) {
      await new Promise<void>((resolve) => {
        whenEmpty = resolve;
      });
    }
    await links.idle();
  };

  const shutDown = async (flushTimeoutMs: number) => {
    phase = "closing";
    if (flushTimeoutMs > 0) {
      await withLimit(sendRest(), flushTimeoutMs, () => {});
    }
    phase = "closed";
    const left = queue.clear();
    links.end();
    await Promise.resolve();
    for (const item of left) {
      settle(item, channelClosed(endpoint));
    }
  };

  return {
    endpoint,
    get queued() {
      return queue.length;
    },
    push({ peer, bytes, settled }) {
      if (phase !== "open") {
        throw channelClosed(endpoint);
      }
      // A copy, as a network makes one: the two ends never share memory.
      queue.push({ peer, bytes: new Uint8Array(bytes), settled });
      wake();
    },
    wake,
    emit(event) {
      if (phase === "open") {
        callSafely(event);
      }
    },
    close({ flushTimeoutMs = 0 }: CloseOptions = {}) {
      closing ??= shutDown(flushTimeoutMs);
      return closing;
    },
  };
}
