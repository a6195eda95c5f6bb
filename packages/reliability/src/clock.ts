import { LONGEST_TIMER_MS } from "@multifrost/protocol/internal";

/** A timer that has been set. */
export interface Timer {
  /** Stops the callback from running. May be called at any time, and more than once. */
  cancel(): void;
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

/** The real time: `performance.now`, `Date.now` and `setTimeout`. Delays beyond the limit of `setTimeout` are split. */
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
