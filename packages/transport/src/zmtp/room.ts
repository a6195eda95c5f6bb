// What a server holds for all of its peers together: messages that have begun to arrive, and messages that wait to be sent.

import type { QueueTotals } from "../send-queue.js";
import type { ReadTotals } from "./frame-reader.js";

/** How often those that wait are looked at, in milliseconds. */
const LOOK_MS = 20;

/** How long a peer may hold more than its share without sending or reading, while others wait, in milliseconds. */
const PATIENCE_MS = 10_000;

/** A connection for which memory is held. */
export interface Holder {
  /** Bytes held of a message that has begun to arrive. */
  readonly heldUnread: number;
  /** Bytes held of messages that wait to be sent. */
  readonly heldUnsent: number;
  /** Continues to read. */
  readonly readOn: () => void;
  abort(reason: string): void;
}

/**
 * Bounds memory by not reading: while all peers together hold too much, those that hold more than an equal share wait. One of
 * them may still complete its message, so that they do not wait for each other.
 */
export class Room {
  readonly #mostBytes: number;
  readonly #peers: ReadonlyMap<unknown, Holder>;
  readonly #reading: ReadTotals;
  readonly #sending: QueueTotals;
  readonly #waiting = new Set<Holder>();
  /** The one that completes its message. */
  #favoured: Holder | undefined;
  #looking: NodeJS.Timeout | undefined;
  /** What those above their share held when they were last looked at, and when that was. */
  #before = new Map<Holder, { unread: number; unsent: number }>();
  #lookedAt = 0;

  constructor(mostBytes: number, peers: ReadonlyMap<unknown, Holder>, reading: ReadTotals, sending: QueueTotals) {
    this.#mostBytes = mostBytes;
    this.#peers = peers;
    this.#reading = reading;
    this.#sending = sending;
  }

  /** Whether this peer must not be read from now. Then its `readOn` is called when it may be. */
  mustWait(holder: Holder): boolean {
    if (this.#favoured === holder && holder.heldUnread === 0) {
      this.#favoured = undefined;
    }
    if (
      this.#reading.bytes + this.#sending.heldBytes <= this.#mostBytes ||
      !this.#isAboveShare(holder) ||
      this.#mayComplete(holder)
    ) {
      return false;
    }
    this.#waiting.add(holder);
    if (this.#looking === undefined) {
      this.#before.clear();
      this.#lookedAt = performance.now();
      this.#looking = setInterval(() => this.#look(), LOOK_MS);
    }
    return true;
  }

  /** Its connection has ended. */
  remove(holder: Holder): void {
    this.#waiting.delete(holder);
    this.#before.delete(holder);
    if (this.#favoured === holder) {
      this.#favoured = undefined;
    }
    this.#stopIfDone();
  }

  #isAboveShare({ heldUnread, heldUnsent }: Holder): boolean {
    return heldUnread + heldUnsent > this.#mostBytes / this.#peers.size;
  }

  /** Where too much waits to be sent, completing a message would only add to it. */
  #mayComplete(holder: Holder): boolean {
    if (this.#favoured === undefined && holder.heldUnread > 0 && this.#sending.heldBytes <= this.#mostBytes / 2) {
      this.#favoured = holder;
    }
    return this.#favoured === holder;
  }

  #look(): void {
    if (performance.now() - this.#lookedAt >= PATIENCE_MS) {
      this.#disconnectStalled();
    }
    for (const holder of [...this.#waiting]) {
      this.#waiting.delete(holder);
      if (!this.mustWait(holder)) {
        holder.readOn();
      }
    }
    this.#stopIfDone();
  }

  /** A peer that only waits for itself is left alone: it may be busy. */
  #disconnectStalled(): void {
    const before = this.#before;
    this.#before = new Map();
    this.#lookedAt = performance.now();
    for (const holder of [...this.#peers.values()].filter((each) => this.#isAboveShare(each))) {
      const { heldUnread: unread, heldUnsent: unsent } = holder;
      const then = before.get(holder);
      const isWaiting = this.#waiting.has(holder);
      const isStalled = unsent > 0 ? unsent === then?.unsent : !isWaiting && unread === then?.unread;
      if (isStalled && this.#waiting.size > (isWaiting ? 1 : 0)) {
        holder.abort("It neither reads what it is sent nor completes what it sends, and others wait for that memory.");
      } else {
        this.#before.set(holder, { unread, unsent });
      }
    }
  }

  #stopIfDone(): void {
    if (this.#waiting.size === 0) {
      clearInterval(this.#looking);
      this.#looking = undefined;
    }
  }
}
