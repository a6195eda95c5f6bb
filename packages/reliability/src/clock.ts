import { LONGEST_TIMER_MS, type OptionRule, objectWith, rule } from "@multifrost/protocol/internal";

/** A timer that has been set. */
export interface Timer {
  /** Stops the callback from running. May be called at any time, and more than once. */
  cancel(): void;
  /** Keeps the process alive until the timer has run, again after `unref`. */
  ref(): void;
  /** Lets the process end while the timer is pending. */
  unref(): void;
}

/** Options of {@link Clock.setTimer}. */
export interface TimerOptions {
  /** Whether the process may end while the timer is pending. Default: `false`. */
  unref?: boolean;
}

/** The time, and timers that follow it. Everything in this package takes its time from a clock. */
export interface Clock {
  /** Milliseconds from an arbitrary start, with fractions. Never goes back, whatever happens to the system's date. */
  now(): number;
  /** The date: milliseconds since the epoch, for display. Use `now` to measure. */
  wallTime(): number;
  /** Calls back once, `delayMs` milliseconds from now, and never from inside this call. `Infinity`: never. */
  setTimer(callback: () => void, delayMs: number, options?: TimerOptions): Timer;
}

/** The option `clock`. */
export const CLOCK: OptionRule = objectWith("a Clock, such as systemClock()", "now", "wallTime", "setTimer");

/** A delay in milliseconds that ends: at most 2^31 - 1, about 24 days, as timers have it. */
export const DELAY: OptionRule = rule(
  `a number of milliseconds from 0 to ${LONGEST_TIMER_MS}`,
  (value) => typeof value === "number" && value >= 0 && value <= LONGEST_TIMER_MS,
);

/** The real time: `process.hrtime`, `Date.now` and `setTimeout`. Delays beyond the limit of `setTimeout` are split. */
export function systemClock(): Clock {
  return { now: monotonicMs, wallTime: () => Date.now(), setTimer: setSystemTimer };
}

/**
 * As fast as `performance.now()`, whose first use makes Node load a module: 3 % of the time from the start of a worker to
 * its first answer.
 */
function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}

function setSystemTimer(callback: () => void, delayMs: number, options?: TimerOptions): Timer {
  return new SystemTimer(callback, delayMs, options?.unref !== true);
}

class SystemTimer implements Timer {
  readonly #callback: () => void;
  #handle: NodeJS.Timeout;
  #isRef: boolean;

  constructor(callback: () => void, delayMs: number, isRef: boolean) {
    this.#callback = callback;
    this.#isRef = isRef;
    this.#handle = this.#start(delayMs);
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  ref(): void {
    this.#isRef = true;
    this.#handle.ref();
  }

  unref(): void {
    this.#isRef = false;
    this.#handle.unref();
  }

  #start(restMs: number): NodeJS.Timeout {
    const waitOn = (): void => {
      this.#handle = this.#start(restMs - LONGEST_TIMER_MS);
    };
    const next = restMs > LONGEST_TIMER_MS ? waitOn : this.#callback;
    const handle = setTimeout(next, Math.min(restMs, LONGEST_TIMER_MS));
    return this.#isRef ? handle : handle.unref();
  }
}
