import { callSafely } from "@multifrost/protocol/internal";
import type { Clock, Timer } from "./clock.js";

/** Deadlines within the same millisecond run together: each up to this much later than asked for, and never earlier. */
const RESOLUTION_MS = 1;

/** A deadline that has been set. */
export interface Deadline {
  /** Stops the callback from running. May be called at any time, and more than once. */
  cancel(): void;
}

/**
 * Many deadlines that share one timer, for calls: nearly all are cancelled before they are due, and setting and cancelling
 * a timer for each costs a third of the call. The resolution is 1 ms, as that of `setTimeout` is.
 *
 * The process stays alive while a deadline is pending. The timer itself may stay after the last one is cancelled; the
 * process may end then.
 */
export class Deadlines {
  readonly #clock: Clock;
  /** The deadlines by the tick at which they are due, and these ticks in ascending order. */
  readonly #due = new Map<number, Set<PendingDeadline>>();
  readonly #ticks: number[] = [];
  #pending = 0;
  #timer: Timer | undefined;
  /** The tick at which the timer runs. */
  #timerTick = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls back once, `delayMs` milliseconds from now, and never from inside this call. `Infinity`: never. */
  set(callback: () => void, delayMs: number): Deadline {
    const tick = Math.ceil((this.#clock.now() + delayMs) / RESOLUTION_MS);
    const deadline = new PendingDeadline(callback, tick, this.#remove);
    const due = this.#due.get(tick);
    if (due === undefined) {
      this.#due.set(tick, new Set([deadline]));
      this.#insertTick(tick);
    } else {
      due.add(deadline);
    }
    this.#pending++;
    if (this.#timer === undefined || tick < this.#timerTick) {
      this.#startTimer(tick);
    } else if (this.#pending === 1) {
      this.#timer.ref();
    }
    return deadline;
  }

  /** Returns whether the deadline was pending. */
  readonly #remove = (deadline: PendingDeadline): boolean => {
    const { tick } = deadline;
    const due = this.#due.get(tick);
    if (due?.delete(deadline) !== true) {
      return false;
    }
    if (due.size === 0) {
      this.#due.delete(tick);
      this.#ticks.splice(this.#indexOf(tick), 1);
    }
    this.#pending--;
    if (this.#pending === 0) {
      // The next deadline sets the reference again, which costs a fiftieth of another timer.
      this.#timer?.unref();
    }
    return true;
  };

  /** Nearly always the latest tick of all. */
  #insertTick(tick: number): void {
    const last = this.#ticks.at(-1);
    if (last === undefined || tick > last) {
      this.#ticks.push(tick);
    } else {
      this.#ticks.splice(this.#indexOf(tick), 0, tick);
    }
  }

  /** Where a tick is or belongs. */
  #indexOf(tick: number): number {
    let [low, high] = [0, this.#ticks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ticks[middle]! < tick) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  #startTimer(tick: number): void {
    this.#timer?.cancel();
    this.#timerTick = tick;
    const delayMs = Math.max(0, tick * RESOLUTION_MS - this.#clock.now());
    this.#timer = this.#clock.setTimer(() => this.#runDue(), delayMs);
  }

  /** Runs what is due, without what is set meanwhile, and waits for the next deadline. */
  #runDue(): void {
    this.#timer = undefined;
    const dueTicks = this.#ticks.slice(0, this.#indexOf(Math.floor(this.#clock.now() / RESOLUTION_MS) + 1));
    for (const deadline of dueTicks.flatMap((tick) => [...(this.#due.get(tick) ?? [])])) {
      if (this.#remove(deadline)) {
        callSafely(deadline.callback);
      }
    }
    const next = this.#ticks[0];
    if (next !== undefined && (this.#timer === undefined || next < this.#timerTick)) {
      this.#startTimer(next);
    }
  }
}

class PendingDeadline implements Deadline {
  readonly callback: () => void;
  readonly tick: number;
  readonly #remove: (deadline: PendingDeadline) => boolean;

  constructor(callback: () => void, tick: number, remove: (deadline: PendingDeadline) => boolean) {
    this.callback = callback;
    this.tick = tick;
    this.#remove = remove;
  }

  cancel(): void {
    this.#remove(this);
  }
}
