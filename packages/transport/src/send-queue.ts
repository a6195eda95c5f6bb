// Messages that `send` accepted and the layer below has not taken yet. Bounds the memory of a channel.

import { type MultifrostError, OverloadError, SerializationError } from "@multifrost/protocol/errors";
import { FifoQueue, type MessageParts, rethrowLater } from "@multifrost/protocol/internal";
import type { ChannelLimits, Peer, SendSettled } from "./channel.js";

/** One message on its way out. */
export interface Outgoing {
  /** The receiver; empty on a client channel, which has one peer. */
  readonly peer: Peer;
  readonly bytes: Uint8Array | MessageParts;
  readonly settled: SendSettled | undefined;
  /** Goes ahead of those that are not. */
  readonly urgent?: boolean;
}

/** Reports the outcome of a message to its sender. What `settled` throws becomes an uncaught exception. */
export function settle({ settled }: Outgoing, error?: MultifrostError): void {
  try {
    settled?.(error);
  } catch (thrown) {
    rethrowLater(thrown);
  }
}

/** What a queued message takes in memory besides its bytes, in bytes. */
const MESSAGE_BYTES = 1024;

/** What several queues hold together, for a server that has one queue for each peer. */
export class QueueTotals {
  messages = 0;
  bytes = 0;
  /** Queues in use. */
  queues = 0;
  /** What they take in memory, and what was taken out and the system has not taken yet, in bytes. */
  heldBytes = 0;
}

/** A bounded queue of messages: urgent ones first, otherwise first in, first out. */
export class SendQueue {
  readonly #limits: Required<ChannelLimits>;
  readonly #totals: QueueTotals | undefined;
  readonly #items = new FifoQueue<Outgoing>();
  #urgent: FifoQueue<Outgoing> | undefined;
  #bytes = 0;

  /**
   * @param totals - Shared with other queues: when all of them together are at the bounds, a queue that holds more than
   * an equal share of the bounds is full.
   */
  constructor(limits: Required<ChannelLimits>, totals?: QueueTotals) {
    this.#limits = limits;
    this.#totals = totals;
  }

  /** What its messages take in memory, in bytes. */
  get heldBytes(): number {
    return this.#bytes + this.length * MESSAGE_BYTES;
  }

  get length(): number {
    return this.#items.length + (this.#urgent?.length ?? 0);
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
    const totals = this.#totals;
    const share = totals === undefined ? 1 : 1 / Math.max(1, totals.queues);
    if (isFull(this.length + 1, totals && totals.messages + 1, maxQueuedMessages, share)) {
      throw full(maxQueuedMessages, "messages", "maxQueuedMessages");
    }
    if (isFull(this.#bytes + size, totals && totals.bytes + size, maxQueuedBytes, share)) {
      throw full(maxQueuedBytes, "bytes", "maxQueuedBytes");
    }
    this.#bytes += size;
    if (totals !== undefined) {
      totals.messages += 1;
      totals.bytes += size;
      totals.heldBytes += size + MESSAGE_BYTES;
    }
    if (item.urgent === true) {
      this.#urgent ??= new FifoQueue();
      this.#urgent.push(item);
    } else {
      this.#items.push(item);
    }
  }

  /** Takes out the oldest urgent message, or the oldest; `undefined` when the queue is empty. */
  shift(): Outgoing | undefined {
    const item = this.#urgent?.shift() ?? this.#items.shift();
    if (item !== undefined) {
      this.#bytes -= item.bytes.byteLength;
      if (this.#totals !== undefined) {
        this.#totals.messages -= 1;
        this.#totals.bytes -= item.bytes.byteLength;
        this.#totals.heldBytes -= item.bytes.byteLength + MESSAGE_BYTES;
      }
    }
    return item;
  }

  /** Takes out everything, in the order of {@link shift}. */
  clear(): Outgoing[] {
    const items: Outgoing[] = [];
    for (let item = this.shift(); item !== undefined; item = this.shift()) {
      items.push(item);
    }
    return items;
  }
}

/** Whether a queue would be above its bound, or above its share of a bound that all queues together have reached. */
function isFull(own: number, all: number | undefined, bound: number, share: number): boolean {
  return own > bound || (all !== undefined && all > bound && own > bound * share);
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
    { limit, option },
  );
}
