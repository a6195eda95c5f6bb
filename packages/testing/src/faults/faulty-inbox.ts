// The messages on their way to one end, with what the plan does to them.

// Not the global ones, which fake timers of test runners replace.
import { clearTimeout, setTimeout } from "node:timers";
import { corrupted, type FaultCounts, type FaultPlan } from "./fault-plan.js";

/** Hands one message to the receiver. */
type Deliver = (bytes: Uint8Array) => void;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly deliver: Deliver;
  readonly dueAt: number;
}

/** Whether faults happen, and how many have happened. */
export interface FaultState {
  readonly enabled: boolean;
  readonly counts: FaultCounts;
}

/** Delivers messages in order, but for those that the plan meets. */
export class FaultyInbox {
  readonly #plan: FaultPlan;
  readonly #state: FaultState;
  readonly #maxDelayMs: number;
  /** Cuts the connection; an end that cannot leaves it out. */
  readonly #cut: (() => void) | undefined;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** The message that the next one overtakes. */
  #overtaken: Waiting | undefined;
  #overtakenTimer: NodeJS.Timeout | undefined;

  constructor(plan: FaultPlan, state: FaultState, maxDelayMs: number, cut?: () => void) {
    this.#plan = plan;
    this.#state = state;
    this.#maxDelayMs = maxDelayMs;
    this.#cut = cut;
  }

  take(arrived: Uint8Array, deliver: Deliver): void {
    const { faults, delayMs, random } = this.#plan.next();
    const meets = (fault: keyof FaultCounts): boolean => {
      const isMet = this.#state.enabled && faults.has(fault);
      this.#state.counts[fault] += isMet ? 1 : 0;
      return isMet;
    };
    if (this.#cut !== undefined && meets("cut")) {
      this.#cut();
      return;
    }
    if (meets("drop")) {
      return;
    }
    const bytes = meets("corrupt") ? corrupted(arrived, random) : arrived;
    const dueAt = performance.now() + (meets("delay") ? delayMs : 0);
    const message = { bytes, deliver, dueAt };
    if (this.#overtaken === undefined && meets("reorder")) {
      this.#overtaken = message;
      this.#overtakenTimer = setTimeout(() => this.#releaseOvertaken(), this.#maxDelayMs);
      return;
    }
    this.#push(message);
    if (meets("duplicate")) {
      this.#push({ ...message, bytes: new Uint8Array(bytes) });
    }
    this.#releaseOvertaken();
  }

  /** Delivers what waits, now. */
  flush(): void {
    this.#releaseOvertaken();
    clearTimeout(this.#timer);
    for (const { deliver, bytes } of this.#waiting.splice(0)) {
      deliver(bytes);
    }
  }

  /** Loses what waits. */
  clear(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#overtakenTimer);
    this.#overtaken = undefined;
    this.#waiting.length = 0;
  }

  #releaseOvertaken(): void {
    const message = this.#overtaken;
    this.#overtaken = undefined;
    clearTimeout(this.#overtakenTimer);
    if (message !== undefined) {
      this.#push(message);
    }
  }

  #push(message: Waiting): void {
    if (this.#waiting.length === 0 && message.dueAt <= performance.now()) {
      message.deliver(message.bytes);
      return;
    }
    this.#waiting.push(message);
    if (this.#waiting.length === 1) {
      this.#wait(message);
    }
  }

  #wait({ dueAt }: Waiting): void {
    this.#timer = setTimeout(() => this.#deliverDue(), Math.max(1, dueAt - performance.now()));
  }

  #deliverDue(): void {
    const now = performance.now();
    while (this.#waiting[0] !== undefined && this.#waiting[0].dueAt <= now) {
      const message = this.#waiting.shift();
      message?.deliver(message.bytes);
    }
    if (this.#waiting[0] !== undefined) {
      this.#wait(this.#waiting[0]);
    }
  }
}
