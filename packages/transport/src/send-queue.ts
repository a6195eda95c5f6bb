// Messages that `send` accepted and the layer below has not taken yet. Bounds the memory of a channel.

import { type MultifrostError, OverloadError, SerializationError } from "@multifrost/protocol/errors";
import { FifoQueue, rethrowLater } from "@multifrost/protocol/internal";
import type { ChannelLimits, Peer, SendSettled } from "./channel.js";

/** One message on its way out. */
export interface Outgoing {
  /** The receiver; empty on a client channel, which has one peer. */
  readonly peer: Peer;
  readonly bytes: Uint8Array;
  readonly settled: SendSettled | undefined;
}

/** Reports the outcome of a message to its sender. What `settled` throws becomes an uncaught exception. */
export function settle({ settled }: Outgoing, error?: MultifrostError): void {
  try {
    settled?.(error);
  } catch (thrown) {
    rethrowLater(thrown);
  }
}

/** A bounded queue of messages, first in, first out. */
export class SendQueue {
  readonly #limits: Required<ChannelLimits>;
  readonly #items = new FifoQueue<Outgoing>();
  #bytes = 0;

  constructor(limits: Required<ChannelLimits>) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#items.length;
  }

  /**
   * Adds a message, or throws and adds nothing: `SerializationError` (`MESSAGE_TOO_LARGE`) for a message above the
   * limit, `OverloadError` when the queue is full.
   */
  push(item: Outgoing): void {
    const { maxMessageBytes, maxQueuedMessages, maxQueuedBytes } = this.#limits;
    const size = item.bytes.byteLength;
    if (size > maxMessageBytes) {
      throw tooLarge(size, maxMessageBytes);
    }
    if (this.#items.length >= maxQueuedMessages) {
      throw full(maxQueuedMessages, "messages", "maxQueuedMessages");
    }
    if (this.#bytes + size > maxQueuedBytes) {
      throw full(maxQueuedBytes, "bytes", "maxQueuedBytes");
    }
    this.#bytes += size;
    this.#items.push(item);
  }

  /** Takes out the oldest message; `undefined` when the queue is empty. */
  shift(): Outgoing | undefined {
    const item = this.#items.shift();
    if (item !== undefined) {
      this.#bytes -= item.bytes.byteLength;
    }
    return item;
  }

  /** Takes out everything, oldest first. */
  clear(): Outgoing[] {
    const items: Outgoing[] = [];
    for (let item = this.shift(); item !== undefined; item = this.shift()) {
      items.push(item);
    }
    return items;
  }
}

function tooLarge(size: number, limit: number): SerializationError {
  return new SerializationError(
    "MESSAGE_TOO_LARGE",
    `A message of ${size} bytes is above this channel's limit of ${limit} bytes and was not sent. ` +
      "Send less, or raise maxMessageBytes at both ends.",
  );
}

function full(limit: number, unit: string, option: keyof ChannelLimits): OverloadError {
  return new OverloadError(
    `The send queue is full: ${limit} ${unit} are waiting for the connection. Nothing was queued. ` +
      `Wait for answers before you send more, or raise ${option}.`,
    { limit },
  );
}
