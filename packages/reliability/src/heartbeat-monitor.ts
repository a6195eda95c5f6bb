// The heartbeat loop: send, wait, judge, go on. It never ends by itself, only by `stop`.
// The contract is in heartbeat.ts. Whoever receives messages hands the answers' ids to `answered`.

import { NotRunningError, TimeoutError } from "@multifrost/protocol/errors";
import type { Clock, Timer } from "./clock.js";
import type { HeartbeatMonitor, HeartbeatOptions } from "./heartbeat.js";

/** Unanswered heartbeats that are remembered, so that a late answer is still known for what it is. */
const LATE_REMEMBERED = 16;

/** A heartbeat must not be what keeps a process alive. */
const UNREF = { unref: true };

/** What to do about a heartbeat that nobody answered. */
const ADVICE = "The worker is gone, or its event loop is blocked; look at its output, or allow more time.";

/** Whoever called `beat` and waits. */
interface Waiter {
  resolve(rttMs: number): void;
  reject(error: unknown): void;
}

interface Beat {
  readonly sentAt: number;
  readonly timeoutMs: number;
  readonly waiter: Waiter | undefined;
  timer: Timer;
}

interface Monitor {
  readonly options: HeartbeatOptions;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly maxMisses: number;
  /** Sent, neither answered nor judged. */
  readonly waiting: Map<string, Beat>;
  /** Judged unanswered, with the time they were sent; the oldest first. */
  readonly late: Map<string, number>;
  nextTick: Timer | undefined;
  misses: number;
  lost: boolean;
  lastRttMs: number | undefined;
}

/** Makes a monitor that is not started. */
export function createHeartbeatMonitor(options: HeartbeatOptions): HeartbeatMonitor {
  const { clock, intervalMs = 5000, timeoutMs = 3000, maxMisses = 3 } = options;
  const limits = { intervalMs, timeoutMs, maxMisses };
  const state = { nextTick: undefined, misses: 0, lost: false, lastRttMs: undefined };
  const monitor: Monitor = { options, clock, ...limits, waiting: new Map(), late: new Map(), ...state };
  return {
    get misses() {
      return monitor.misses;
    },
    get lost() {
      return monitor.lost;
    },
    get lastRttMs() {
      return monitor.lastRttMs;
    },
    start() {
      if (intervalMs > 0 && monitor.nextTick === undefined) {
        tick(monitor);
      }
    },
    beat: (beatOptions) => beatNow(monitor, beatOptions?.timeoutMs ?? timeoutMs),
    answered: (id) => answered(monitor, id),
    stop: () => stop(monitor),
  };
}

/** The next tick is set before anything else happens, so that nothing which goes wrong here can end the loop. */
function tick(monitor: Monitor): void {
  const { clock, options } = monitor;
  monitor.nextTick = clock.setTimer(() => tick(monitor), monitor.intervalMs, UNREF);
  const id = options.newId();
  expectAnswer(monitor, id, monitor.timeoutMs, undefined);
  try {
    options.send(id);
  } catch {
    // Nobody will answer it: it becomes a miss when its time is up, like any other.
  }
}

function beatNow(monitor: Monitor, timeoutMs: number): Promise<number> {
  const id = monitor.options.newId();
  return new Promise((resolve, reject) => {
    expectAnswer(monitor, id, timeoutMs, { resolve, reject });
    try {
      monitor.options.send(id);
    } catch (error) {
      monitor.waiting.get(id)?.timer.cancel();
      monitor.waiting.delete(id);
      reject(error);
    }
  });
}

/**
 * The time being up is not yet a miss: where this process itself was busy for long, the answer may be there and unread.
 * A second timer lets the event loop turn once, and read, before the heartbeat is judged.
 */
function expectAnswer(monitor: Monitor, id: string, timeoutMs: number, waiter: Waiter | undefined): void {
  const { clock } = monitor;
  const judge = (): void => overdue(monitor, id, beat);
  const letItTurn = (): void => {
    beat.timer = clock.setTimer(judge, 0, UNREF);
  };
  const beat: Beat = { sentAt: clock.now(), timeoutMs, waiter, timer: clock.setTimer(letItTurn, timeoutMs, UNREF) };
  monitor.waiting.set(id, beat);
}

function overdue(monitor: Monitor, id: string, { sentAt, timeoutMs, waiter }: Beat): void {
  const { waiting, late } = monitor;
  waiting.delete(id);
  late.set(id, sentAt);
  if (late.size > LATE_REMEMBERED) {
    const [oldest] = late.keys();
    late.delete(oldest as string);
  }
  if (waiter === undefined) {
    missed(monitor);
  } else {
    waiter.reject(new TimeoutError(`Heartbeat not answered within ${timeoutMs} ms. ${ADVICE}`, { timeoutMs }));
  }
}

function missed(monitor: Monitor): void {
  const { options, maxMisses } = monitor;
  monitor.misses += 1;
  options.onMiss?.({ misses: monitor.misses });
  if (monitor.misses >= maxMisses && !monitor.lost) {
    monitor.lost = true;
    options.onLost?.({ misses: monitor.misses });
  }
}

function answered(monitor: Monitor, id: string): boolean {
  const { waiting, late, options } = monitor;
  const beat = waiting.get(id);
  const sentAt = beat?.sentAt ?? late.get(id);
  if (sentAt === undefined) {
    return false;
  }
  beat?.timer.cancel();
  waiting.delete(id);
  late.delete(id);
  const rttMs = monitor.clock.now() - sentAt;
  const recovered = monitor.lost;
  monitor.misses = 0;
  monitor.lost = false;
  monitor.lastRttMs = rttMs;
  beat?.waiter?.resolve(rttMs);
  options.onAnswer?.({ rttMs });
  if (recovered) {
    options.onRecovered?.();
  }
  return true;
}

function stop(monitor: Monitor): void {
  monitor.nextTick?.cancel();
  const waiting = [...monitor.waiting.values()];
  monitor.waiting.clear();
  monitor.late.clear();
  monitor.nextTick = undefined;
  monitor.misses = 0;
  monitor.lost = false;
  for (const { timer, waiter } of waiting) {
    timer.cancel();
    const message = "Heartbeats were stopped before this one was answered. Start the worker again to send another.";
    waiter?.reject(new NotRunningError(message, { state: "stopped" }));
  }
}
