// How long to wait before the next attempt: for restarts and reconnects, so that many parents do not come back at once.
// Next: restart-budget.ts, which says whether there is a next attempt at all.

/** How a backoff is made. */
export interface BackoffOptions {
  /** The bound of the first delay, in milliseconds; each further bound is twice the one before. Default: 100. */
  baseMs?: number;
  /** The largest bound, in milliseconds. Default: 5000. */
  maxMs?: number;
  /** Uniform in [0, 1), as `Math.random`, which is the default. */
  random?: () => number;
}

/** Delays that grow until an attempt succeeds. */
export interface Backoff {
  /** Attempts since the start, or since the last `reset`. */
  readonly attempts: number;
  /** The delay before the next attempt, in milliseconds; may be 0. */
  next(): number;
  /** An attempt succeeded: begin again with the smallest bound. */
  reset(): void;
}

/**
 * Makes an exponential backoff with full jitter: the n-th delay is uniform in [0, min(maxMs, baseMs × 2ⁿ)].
 *
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015, where full jitter needs the least work.
 */
export function createBackoff(options: BackoffOptions = {}): Backoff {
  const { baseMs = 100, maxMs = 5000, random = Math.random } = options;
  let attempts = 0;
  return {
    get attempts() {
      return attempts;
    },
    next() {
      const bound = Math.min(maxMs, baseMs * 2 ** attempts);
      attempts += 1;
      return random() * bound;
    },
    reset() {
      attempts = 0;
    },
  };
}
