// Whose messages are handled in which turn of the event loop, so that one peer's large messages do not hold up the others.

import { FifoQueue } from "@multifrost/protocol/internal";

/** Messages from this size on take turns, in bytes. */
export const LEAST_COUNTED = 4096;

/** Bytes of such messages, from all peers together, after which the event loop turns. */
const TURN_BYTES = 1024 * 1024;

/** Reading a message of 1 MiB can take half a second, where each byte of it is an empty map. */
export class Turns {
  #used = 0;
  #isScheduled = false;
  readonly #waiting = new FifoQueue<() => void>();

  /** Whether a message of so many bytes may be handled in this turn. If not, `later` is called in a later one. */
  take(bytes: number, later: () => void): boolean {
    if (this.#used >= TURN_BYTES) {
      this.#waiting.push(later);
      return false;
    }
    this.#used += bytes;
    this.#schedule();
    return true;
  }

  #schedule(): void {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(this.#next);
    }
  }

  readonly #next = (): void => {
    this.#isScheduled = false;
    this.#used = 0;
    for (let left = this.#waiting.length; left > 0 && this.#used < TURN_BYTES; left--) {
      this.#waiting.shift()?.();
    }
    if (this.#waiting.length > 0) {
      this.#schedule();
    }
  };
}
