// What `send` took and the layer below has not (step 6 of a call, and its way back).
// First in, first out, every operation in constant time; the bounds on a channel's memory are kept here.

import { OverloadError, SerializationError } from "@multifrost/protocol/errors";
import type { ChannelLimits, Peer, SendSettled } from "./channel.js";

/** One message on its way out. */
export interface Outgoing {
  /** Where to; empty on a client channel, which has one peer only. */
  readonly peer: Peer;
  readonly bytes: Uint8Array;
  readonly settled: SendSettled | undefined;
}

/** A bounded queue of messages. */
export interface SendQueue {
  /** How many messages are in it. */
  readonly length: number;
  /** How many bytes they have together. */
  readonly bytes: number;
  /**
   * Adds a message at the end, or throws and adds nothing: `SerializationError` (`MESSAGE_TOO_LARGE`) for one above
   * the message limit, `OverloadError` where a bound of the queue would be passed.
   */
  push(item: Outgoing): void;
  /** The oldest message, left where it is. */
  peek(): Outgoing | undefined;
  /** The oldest message, taken out. */
  shift(): Outgoing | undefined;
  /** Takes everything out, oldest first. */
  clear(): Outgoing[];
}

/** Makes an empty queue. Two arrays: one is read while the other fills, and they change places when it is read. */
export function createSendQueue(limits: Required<ChannelLimits>): SendQueue {
  let filling: Outgoing[] = [];
  let reading: (Outgoing | undefined)[] = [];
  let next = 0;
  let bytes = 0;
  const length = () => filling.length + reading.length - next;

  const peek = (): Outgoing | undefined => {
    if (next === reading.length) {
      reading = filling;
      filling = [];
      next = 0;
    }
    return reading[next];
  };

  const shift = (): Outgoing | undefined => {
    const item = peek();
    if (item !== undefined) {
      reading[next] = undefined;
      next += 1;
      bytes -= item.bytes.byteLength;
    }
    return item;
  };

  return {
    get length() {
      return length();
    },
    get bytes() {
      return bytes;
    },
    push(item) {
      const size = item.bytes.byteLength;
      checkSize(size, limits.maxMessageBytes);
      checkRoom(length() + 1, limits.maxQueuedMessages, "messages");
      checkRoom(bytes + size, limits.maxQueuedBytes, "bytes");
      bytes += size;
      filling.push(item);
    },
    peek,
    shift,
    clear() {
      const items: Outgoing[] = [];
      for (let item = shift(); item !== undefined; item = shift()) {
        items.push(item);
      }
      return items;
    },
  };
}

function checkSize(size: number, limit: number): void {
  if (size > limit) {
    throw new SerializationError(
      "MESSAGE_TOO_LARGE",
      `A message of ${size} bytes is above this channel's limit of ${limit} bytes and was not sent. ` +
        "Send less, or raise maxMessageBytes at both ends.",
    );
  }
}

function checkRoom(wanted: number, limit: number, unit: "messages" | "bytes"): void {
  if (wanted > limit) {
    throw new OverloadError(
      `The send queue is full: ${limit} ${unit} are waiting for the connection. Nothing was queued. ` +
        `Wait for answers before you send more, or raise ${unit === "bytes" ? "maxQueuedBytes" : "maxQueuedMessages"}.`,
      { limit },
    );
  }
}
