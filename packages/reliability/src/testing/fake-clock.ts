// A clock that stands still until a test moves it. Timers run in the order they are due, each at its own time.

import type { Clock, Timer } from "../clock.js";

/** A clock for tests. */
export interface FakeClock extends Clock {
  /** Timers that are set and have neither run nor been cancelled. */
  readonly pendingTimers: number;
  /** Moves both times on, running what becomes due on the way, also what that sets in turn. Promises are not awaited. */
  advance(ms: number): void;
}

interface FakeTimer {
  readonly dueAt: number;
  readonly callback: () => void;
}

/** Makes a clock at 0 ms; its date begins at `wallTime` (default: 0, the epoch). */
export function createFakeClock(wallTime = 0): FakeClock {
  const timers = new Set<FakeTimer>();
  let now = 0;

  const setTimer = (callback: () => void, delayMs: number): Timer => {
    const timer = { dueAt: now + Math.max(0, delayMs), callback };
    timers.add(timer);
    return { cancel: () => void timers.delete(timer) };
  };

  const advance = (ms: number): void => {
    const end = now + ms;
    for (let timer = nextDue(timers, end); timer !== undefined; timer = nextDue(timers, end)) {
      timers.delete(timer);
      now = timer.dueAt;
      timer.callback();
    }
    now = end;
  };

  return {
    get pendingTimers() {
      return timers.size;
    },
    now: () => now,
    wallTime: () => wallTime + now,
    setTimer,
    advance,
  };
}

/** The earliest timer that is due by then; of two due at once, the one set first. */
function nextDue(timers: ReadonlySet<FakeTimer>, end: number): FakeTimer | undefined {
  let earliest: FakeTimer | undefined;
  for (const timer of timers) {
    if (timer.dueAt <= end && (earliest === undefined || timer.dueAt < earliest.dueAt)) {
      earliest = timer;
    }
  }
  return earliest;
}
