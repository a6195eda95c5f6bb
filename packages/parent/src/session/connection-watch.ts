// Whether the connection of a session is up, and whether its messages still come.

import { Deferred, withLimit } from "@multifrost/protocol/internal";

/** How long after an exit, or after the latest message since, the connection may stay up, in milliseconds. */
const LAST_MESSAGES_MS = 1_000;

/** The connection of one session, as its channel reports it. */
export class ConnectionWatch {
  isUp = false;
  /** Messages received so far. */
  received = 0;
  #wasUp = false;
  readonly #first = new Deferred<void>();
  /** Set while something waits for the connection to break. */
  #disconnected: Deferred<void> | undefined;

  constructor() {
    // Only a session that opens waits for it, and by then it may have settled.
    this.#first.promise.catch(() => {});
  }

  /** Resolves with the first connection; rejects when the channel fails before. */
  get first(): Promise<void> {
    return this.#first.promise;
  }

  /** It is up. Returns whether it was before. */
  up(): boolean {
    this.isUp = true;
    this.#first.resolve();
    const wasUp = this.#wasUp;
    this.#wasUp = true;
    return wasUp;
  }

  /** It broke, or an attempt failed. Returns whether it was up. */
  down(): boolean {
    this.isUp = false;
    this.#disconnected?.resolve();
    return this.#wasUp;
  }

  /** The channel failed for good. */
  failed(error: Error): void {
    this.#first.reject(error);
  }

  /**
   * The connection of a process that has exited breaks behind its last answers. Waits for that, as long as messages
   * still come.
   */
  async lastMessages(): Promise<void> {
    const disconnected = new Deferred<void>();
    this.#disconnected = disconnected;
    for (let before = -1; this.isUp && this.received > before; ) {
      before = this.received;
      await withLimit(disconnected.promise, LAST_MESSAGES_MS, () => {});
    }
  }
}
