import type { Clock, Timer, TimerOptions } from "@multifrost/reliability";

/** A clock for tests: it stands still until it is moved. Timers run in the order they are due, each at its due time. */
export interface FakeClock extends Clock {
  /** Timers that have neither run nor been cancelled. */
  readonly pendingTimers: number;
  /** Whether one of them keeps the process alive: it is not `unref`. */
  readonly keepsProcessAlive: boolean;
  /**
   * Moves both times on by `ms` milliseconds and runs the timers that become due, including those set meanwhile. Does
   * not await promises.
   */
  advance(ms: number): void;
  /**
   * Moves both times on by `ms` milliseconds without running anything, as when the process is blocked or suspended. What has
   * become due runs, late and once, with the next `advance`.
   */
  stall(ms: number): void;
}

interface FakeTimer {
  readonly dueAt: number;
  readonly callback: () => void;
  isRef: boolean;
}

/**
 * Creates a clock at 0 ms.
 *
 * @param wallTime Its date at the start, in milliseconds since the epoch. Default: 0.
 */
export function createFakeClock(wallTime = 0): FakeClock {
  const timers = new Set<FakeTimer>();
  let now = 0;

  const setTimer = (callback: () => void, delayMs: number, options?: TimerOptions): Timer => {
    const timer: FakeTimer = { dueAt: now + Math.max(0, delayMs), callback, isRef: options?.unref !== true };
    timers.add(timer);
    return {
      cancel: () => void timers.delete(timer),
      ref() {
        timer.isRef = true;
      },
      unref() {
        timer.isRef = false;
      },
    };
  };

  const advance = (ms: number): void => {
    const end = now + ms;
    for (let timer = nextDue(timers, end); timer !== undefined; timer = nextDue(timers, end)) {
      timers.delete(timer);
      now = Math.max(now, timer.dueAt);
      timer.callback();
    }
    now = end;
  };

  return {
    get pendingTimers() {
      return timers.size;
    },
    get keepsProcessAlive() {
      return [...timers].some(({ isRef }) => isRef);
    },
    now: () => now,
    wallTime: () => wallTime + now,
    setTimer,
    advance,
    stall(ms) {
      now += ms;
    },
  };
}

/** The earliest timer due by `end`; of two due at once, the one set first. */
function nextDue(timers: ReadonlySet<FakeTimer>, end: number): FakeTimer | undefined {
  let earliest: FakeTimer | undefined;
  for (const timer of timers) {
    if (timer.dueAt <= end && (earliest === undefined || timer.dueAt < earliest.dueAt)) {
      earliest = timer;
    }
  }
  return earliest;
}
