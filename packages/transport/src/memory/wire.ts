// One direction of an in-memory connection.

/** What the simulated network does to messages. Loss and reordering break the contract of a channel on purpose. */
export interface NetworkConditions {
  /** How long each message takes, in milliseconds. Default: 0, no delay. */
  delayMs?: number;
  /** The share of messages that never arrive, 0 to 1. Default: 0. */
  lossRate?: number;
  /** The share of messages that the next one overtakes, 0 to 1. Default: 0. */
  reorderRate?: number;
  /** Decides on loss and reordering: returns numbers from 0 up to but not including 1. Default: `Math.random`. */
  random?: () => number;
}

/** Carries bytes in one direction, under the network's conditions. */
export class Wire {
  readonly #conditions: Required<NetworkConditions>;
  readonly #deliver: (bytes: Uint8Array) => void;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  /** A message that waits for the next one to overtake it. */
  #overtaken: Uint8Array | undefined;
  #whenIdle: (() => void)[] = [];
  #isCut = false;

  /** @param deliver - Called with each message that arrives. Must not throw. */
  constructor(conditions: NetworkConditions, deliver: (bytes: Uint8Array) => void) {
    const { delayMs = 0, lossRate = 0, reorderRate = 0, random = Math.random } = conditions;
    this.#conditions = { delayMs, lossRate, reorderRate, random };
    this.#deliver = deliver;
  }

  carry(bytes: Uint8Array): void {
    const { lossRate, reorderRate, random } = this.#conditions;
    if (this.#isCut || (lossRate > 0 && random() < lossRate)) {
      return;
    }
    if (this.#overtaken === undefined && reorderRate > 0 && random() < reorderRate) {
      this.#overtaken = bytes;
      // Without a message to overtake it, it leaves in the next turn.
      setImmediate(() => this.#releaseOvertaken());
      return;
    }
    this.#depart(bytes);
    this.#releaseOvertaken();
  }

  /** Resolves when no message is under way. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve);
      this.#checkIdle();
    });
  }

  /** Loses the messages under way, and all that follow. */
  cut(): void {
    this.#isCut = true;
    this.#overtaken = undefined;
    for (const timer of this.#timers) {
      clearTimeout(timer);
    }
    this.#timers.clear();
    this.#checkIdle();
  }

  #depart(bytes: Uint8Array): void {
    if (this.#conditions.delayMs === 0) {
      this.#deliver(bytes);
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#deliver(bytes);
      this.#checkIdle();
    }, this.#conditions.delayMs);
    this.#timers.add(timer);
  }

  #releaseOvertaken(): void {
    const bytes = this.#overtaken;
    this.#overtaken = undefined;
    if (bytes !== undefined) {
      this.#depart(bytes);
    }
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.#timers.size === 0 && this.#overtaken === undefined) {
      for (const resolve of this.#whenIdle.splice(0)) {
        resolve();
      }
    }
  }
}
