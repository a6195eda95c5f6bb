// Time, passed in: nothing in this package looks at a clock or sets a timer except through this interface.
// The one for tests is in testing/fake-clock.ts. Next: circuit-breaker.ts, which asks it what time it is.

import { LONGEST_TIMER_MS } from "@multifrost/protocol/internal";

/** A timer that has been set. */
export interface Timer {
  /** The callback will not run any more. May be called at any moment, and more than once. */
  cancel(): void;
}

/** How a timer is set. */
export interface TimerOptions {
  /** Whether the process may end while the timer waits. Default: `false`, it waits for the timer. */
  unref?: boolean;
}

/** The time, and timers that follow it. */
export interface Clock {
  /** Milliseconds from an arbitrary start, with fractions. Never goes back, whatever happens to the system's date. */
  now(): number;
  /** The date: milliseconds since the epoch. For people to read; differences are taken from `now`. */
  wallTime(): number;
  /** Calls back once, `delayMs` milliseconds from now, and never from inside this call. `Infinity`: never. */
  setTimer(callback: () => void, delayMs: number, options?: TimerOptions): Timer;
}

/** The real time: `performance.now`, `Date.now` and `setTimeout`. Longer delays than `setTimeout` takes are split. */
export function systemClock(): Clock {
  return { now: () => performance.now(), wallTime: () => Date.now(), setTimer: setSystemTimer };
}

function setSystemTimer(callback: () => void, delayMs: number, options?: TimerOptions): Timer {
  let handle: NodeJS.Timeout;
  const wait = (restMs: number): void => {
    const next = restMs > LONGEST_TIMER_MS ? () => wait(restMs - LONGEST_TIMER_MS) : callback;
    handle = setTimeout(next, Math.min(restMs, LONGEST_TIMER_MS));
    if (options?.unref === true) {
      handle.unref();
    }
  };
  wait(delayMs);
  return { cancel: () => clearTimeout(handle) };
}
