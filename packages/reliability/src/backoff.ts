import { CALLBACK, checkOptions, type OptionRules } from "@multifrost/protocol/internal";
import { DELAY } from "./clock.js";
/** Options of a {@link Backoff}. */
export interface BackoffOptions {
  /** The bound of the first delay, in milliseconds. Each further bound is twice the one before. Default: 100. */
  baseMs?: number;
  /** The largest bound, in milliseconds. Default: 5000. */
  maxMs?: number;
  /** Returns numbers uniform in [0, 1). Default: `Math.random`. */
  random?: () => number;
}

const RULES: OptionRules<BackoffOptions> = {
  baseMs: DELAY,
  maxMs: DELAY,
  random: CALLBACK,
};

/**
 * Exponential backoff with full jitter: the delays between attempts to restart or reconnect, spread so that many
 * clients do not retry at the same moment.
 *
 * The n-th delay is uniform in [0, min(maxMs, baseMs × 2ⁿ)]. Source: "Exponential Backoff And Jitter", AWS Architecture
 * Blog, 2015, where full jitter causes the least work.
 */
export class Backoff {
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #attempts = 0;

  constructor(options: BackoffOptions = {}) {
    checkOptions("Backoff", options, RULES);
    const { baseMs = 100, maxMs = 5000, random = Math.random } = options;
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** Calls of `next` since the start or the last `reset`. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The delay before the next attempt, in milliseconds; may be 0. */
  next(): number {
    const bound = Math.min(this.#maxMs, this.#baseMs * 2 ** this.#attempts);
    this.#attempts += 1;
    return this.#random() * bound;
  }

  /** Starts again with the smallest bound. Call it when an attempt succeeds. */
  reset(): void {
    this.#attempts = 0;
  }
}
