// What `send` took for one receiver and its socket has not: in order, bounded, and written as fast as the socket takes.

import type { Socket } from "node:net";
import {
  type ChannelLimits,
  type MultifrostError,
  OverloadError,
  type SendSettled,
  SerializationError,
} from "multifrost";
import { LONGEST_FRAME, writeFrame } from "./framing.js";

/** The bounds with the defaults of every channel filled in. */
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

/** Tells a sender what became of its message: never from inside `send`, and what it throws is an uncaught exception. */
export function tell(settled: SendSettled | undefined, error?: MultifrostError): void {
  if (settled !== undefined) {
    queueMicrotask(() => settled(error));
  }
}

/** The messages that wait for one receiver. */
export interface Outbox {
  readonly length: number;
  /** Adds a message. Throws `OverloadError` beyond a bound, and {@link checkSize}; then nothing is added. */
  push(bytes: Uint8Array, settled?: SendSettled): void;
  /** Writes to this socket, which is connected, from the next turn on and for as long as it is writable. */
  sendOn(socket: Socket): void;
  /** Gives up what is left: each message settles with this error. */
  fail(error: MultifrostError): void;
  /** Resolves when nothing is left. */
  whenEmpty(): Promise<void>;
}

interface Item {
  readonly bytes: Uint8Array;
  readonly settled: SendSettled | undefined;
  next: Item | undefined;
}

/** Makes an empty outbox: a linked list, so that its end costs the same however many wait. */
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

  const tellEmpty = (): void => {
    const resolves = waiting;
    waiting = [];
    for (const resolve of resolves) {
      resolve();
    }
  };

  const write = (): void => {
    scheduled = false;
    socket?.cork();
    // Not more than the socket takes: what it would only store still counts for the bounds here.
    while (first !== undefined && socket?.writable && !socket.writableNeedDrain) {
      const { bytes, settled } = shift() as Item;
      writeFrame(socket, bytes);
      tell(settled);
    }
    socket?.uncork();
    if (first === undefined) {
      tellEmpty();
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
        tell(item.settled, error);
      }
      tellEmpty();
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
