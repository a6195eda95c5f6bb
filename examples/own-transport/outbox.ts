// Messages that `send` accepted and the socket did not take yet: in order, bounded, written as fast as the socket takes them.

import type { Socket } from "node:net";
import type { ChannelLimits, SendSettled } from "@multifrost/transport";
import { type MultifrostError, OverloadError, SerializationError } from "multifrost";
import { LONGEST_FRAME, writeFrame } from "./framing.js";

/** Fills in the defaults of every channel. */
export function completeLimits(limits: ChannelLimits): Required<ChannelLimits> {
  const { maxMessageBytes = 64 * 2 ** 20, maxQueuedMessages = 500_000, maxQueuedBytes = 2 ** 30 } = limits;
  return { maxMessageBytes: Math.min(maxMessageBytes, LONGEST_FRAME), maxQueuedMessages, maxQueuedBytes };
}

/** Throws `SerializationError` (`MESSAGE_TOO_LARGE`) above the limit. */
export function checkSize(bytes: Uint8Array, { maxMessageBytes }: Required<ChannelLimits>): void {
  if (bytes.byteLength > maxMessageBytes) {
    const message = `A message of ${bytes.byteLength} bytes is above the limit of ${maxMessageBytes} and was not sent.`;
    throw new SerializationError("MESSAGE_TOO_LARGE", message);
  }
}

/** Calls a sender's `settled`, never from inside `send`. An error that it throws becomes an uncaught exception. */
export function notify(settled: SendSettled | undefined, error?: MultifrostError): void {
  if (settled !== undefined) {
    queueMicrotask(() => settled(error));
  }
}

/** The messages that wait for one receiver. */
export interface Outbox {
  readonly length: number;
  /** Adds a message. Throws `OverloadError` beyond a bound, and as {@link checkSize} does; then it adds nothing. */
  push(bytes: Uint8Array, settled?: SendSettled): void;
  /** Writes to this connected socket from the next turn on, for as long as it is writable. */
  sendOn(socket: Socket): void;
  /** Drops what is left: each message settles with this error. */
  fail(error: MultifrostError): void;
  /** Resolves when nothing is left. */
  whenEmpty(): Promise<void>;
}

interface Item {
  readonly bytes: Uint8Array;
  readonly settled: SendSettled | undefined;
  next: Item | undefined;
}

/** Creates an empty outbox. It is a linked list, so that removing the first message costs the same at any length. */
export function createOutbox(limits: Required<ChannelLimits>): Outbox {
  let first: Item | undefined;
  let last: Item | undefined;
  let length = 0;
  let queuedBytes = 0;
  let socket: Socket | undefined;
  let scheduled = false;
  let waiting: (() => void)[] = [];

  const shift = (): Item | undefined => {
    const item = first;
    if (item !== undefined) {
      first = item.next;
      last = first && last;
      length -= 1;
      queuedBytes -= item.bytes.byteLength;
    }
    return item;
  };

  const resolveEmpty = (): void => {
    const resolves = waiting;
    waiting = [];
    for (const resolve of resolves) {
      resolve();
    }
  };

  const write = (): void => {
    scheduled = false;
    socket?.cork();
    // Not more than the socket takes: what it would only store still counts towards the bounds here.
    while (first !== undefined && socket?.writable && !socket.writableNeedDrain) {
      const { bytes, settled } = shift() as Item;
      writeFrame(socket, bytes);
      notify(settled);
    }
    socket?.uncork();
    if (first === undefined) {
      resolveEmpty();
    }
  };

  const writeSoon = (): void => {
    if (!scheduled) {
      scheduled = true;
      setImmediate(write);
    }
  };

  return {
    get length() {
      return length;
    },
    push(bytes, settled) {
      checkSize(bytes, limits);
      checkRoom(length + 1, limits.maxQueuedMessages, "messages");
      checkRoom(queuedBytes + bytes.byteLength, limits.maxQueuedBytes, "bytes");
      const item: Item = { bytes, settled, next: undefined };
      if (last === undefined) {
        first = item;
      } else {
        last.next = item;
      }
      last = item;
      length += 1;
      queuedBytes += bytes.byteLength;
      writeSoon();
    },
    sendOn(connected) {
      socket = connected;
      socket.on("drain", write);
      writeSoon();
    },
    fail(error) {
      for (let item = shift(); item !== undefined; item = shift()) {
        notify(item.settled, error);
      }
      resolveEmpty();
    },
    whenEmpty: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        writeSoon();
      }),
  };
}

function checkRoom(wanted: number, limit: number, unit: string): void {
  if (wanted > limit) {
    throw new OverloadError(`${limit} ${unit} are waiting to be sent already; nothing was queued.`, { limit });
  }
}
