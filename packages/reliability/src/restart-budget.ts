import { checkOptions, countFrom, numberFrom, type OptionRules } from "@multifrost/protocol/internal";
import { CLOCK, type Clock } from "./clock.js";

/** Options of a {@link RestartBudget}. */
export interface RestartBudgetOptions {
  clock: Clock;
  /** Restarts before giving up; 0 allows none. Default: 5. */
  maxAttempts?: number;
  /** How long a worker must stay healthy to get the whole budget back, in milliseconds. Default: 30 000. */
  windowMs?: number;
}

const RULES: OptionRules<RestartBudgetOptions> = {
  clock: CLOCK,
  maxAttempts: countFrom(0),
  windowMs: numberFrom(0),
};

/**
 * Counts the restarts a worker has left: a worker that keeps crashing is given up, one that fails once a day is not.
 *
 * Sets no timers; it compares times when asked.
 */
export class RestartBudget {
  readonly #clock: Clock;
  readonly #maxAttempts: number;
  readonly #windowMs: number;
  #taken = 0;
  #healthySince: number | undefined;

  constructor(options: RestartBudgetOptions) {
    checkOptions("RestartBudget", options, RULES);
    const { clock, maxAttempts = 5, windowMs = 30_000 } = options;
    this.#clock = clock;
    this.#maxAttempts = maxAttempts;
    this.#windowMs = windowMs;
  }

  /** Restarts left at this moment. */
  get left(): number {
    return this.#maxAttempts - this.#takenNow();
  }

  /** Takes one restart and ends the healthy period. Returns `false` when none is left. */
  tryTake(): boolean {
    this.#taken = this.#takenNow();
    this.#healthySince = undefined;
    if (this.#taken >= this.#maxAttempts) {
      return false;
    }
    this.#taken += 1;
    return true;
  }

  /** Gives all restarts back at once. */
  refill(): void {
    this.#taken = 0;
    this.#healthySince = undefined;
  }

  /** The worker is healthy from now until the next `tryTake`. Repeated calls change nothing. */
  healthy(): void {
    this.#healthySince ??= this.#clock.now();
  }

  #takenNow(): number {
    const restored = this.#healthySince !== undefined && this.#clock.now() - this.#healthySince >= this.#windowMs;
    return restored ? 0 : this.#taken;
  }
}
