import { CALLBACK, checkOptions, countFrom, type OptionRules } from "@multifrost/protocol/internal";
import { CLOCK, type Clock, DELAY } from "./clock.js";

/** `closed`: calls go out. `open`: no call goes out. `half-open`: one trial call goes out. */
export type CircuitState = "closed" | "open" | "half-open";

/** Admits a call. Pass this object back with the call's outcome. */
export interface CallTicket {
  readonly admitted: true;
  /** Whether the outcome of this call decides if the circuit closes. */
  readonly trial: boolean;
}

/** Refuses a call. */
export interface CallRefusal {
  readonly admitted: false;
  /** When the next trial is due; now, when a trial is already under way. */
  readonly retryAt: Date;
}

/** The result of {@link CircuitBreaker.admit}. */
export type Admission = CallTicket | CallRefusal;

/** One change of state. */
export interface CircuitChange {
  readonly from: CircuitState;
  readonly to: CircuitState;
  /** `failures`, `trial-due`, `trial-failed`, `trial-succeeded`, or the reason given to `trip` or `close`. */
  readonly reason: string;
  /** Failures in a row so far; 0 when it closes. */
  readonly failures: number;
  /** When the next trial is due; `undefined` unless the circuit opens. */
  readonly retryAt: Date | undefined;
}

/** Options of a {@link CircuitBreaker}. */
export interface CircuitBreakerOptions {
  clock: Clock;
  /** Failures in a row that open the circuit. Default: 5. */
  failureThreshold?: number;
  /** Time from open to half-open, in milliseconds. Doubles each time a trial fails. Default: 1000. */
  resetTimeoutMs?: number;
  /** Upper limit of the doubling, in milliseconds. Default: 30 000. */
  resetTimeoutMaxMs?: number;
  /** Called after each change of state. Must not throw. */
  onChange?: (change: CircuitChange) => void;
}

/** The data of each state. An outcome counts only when its ticket is the one stored here. */
type Phase =
  | { readonly state: "closed"; readonly ticket: CallTicket; failures: number }
  | { readonly state: "open"; readonly failures: number; readonly timeoutMs: number; readonly dueAt: number }
  | {
      readonly state: "half-open";
      readonly failures: number;
      readonly timeoutMs: number;
      trial: CallTicket | undefined;
    };

const RULES: OptionRules<CircuitBreakerOptions> = {
  clock: CLOCK,
  failureThreshold: countFrom(1),
  resetTimeoutMs: DELAY,
  resetTimeoutMaxMs: DELAY,
  onChange: CALLBACK,
};

/**
 * Stops calls to a worker that keeps failing, and lets one trial call through after a while.
 *
 * closed → open after `failureThreshold` failures in a row; open → half-open after `resetTimeoutMs`; half-open → closed
 * when the trial succeeds, → open for twice as long when it fails.
 *
 * Hand every ticket back once, with `success`, `failure` or `ignored`. Only outcomes of calls admitted in the current
 * state count: a late outcome of a call from before the circuit opened, or before `close`, changes nothing.
 *
 * Every other call is refused while a trial is under way, so give calls a timeout. Sets no timers; it compares times
 * when asked.
 */
export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #failureThreshold: number;
  readonly #resetTimeoutMs: number;
  readonly #resetTimeoutMaxMs: number;
  readonly #onChange: ((change: CircuitChange) => void) | undefined;
  #phase: Phase = closedPhase();

  constructor(options: CircuitBreakerOptions) {
    checkOptions("CircuitBreaker", options, RULES);
    const { clock, failureThreshold = 5, resetTimeoutMs = 1000, resetTimeoutMaxMs = 30_000, onChange } = options;
    this.#clock = clock;
    this.#failureThreshold = failureThreshold;
    this.#resetTimeoutMs = resetTimeoutMs;
    this.#resetTimeoutMaxMs = resetTimeoutMaxMs;
    this.#onChange = onChange;
  }

  /** The state at this moment: `half-open` as soon as a trial is due, also before a call asks for it. */
  get state(): CircuitState {
    const phase = this.#phase;
    return phase.state === "open" && this.#clock.now() >= phase.dueAt ? "half-open" : phase.state;
  }

  /** When the next trial is due; `undefined` unless the state is `open`. */
  get retryAt(): Date | undefined {
    return this.state === "open" ? this.#dueDate() : undefined;
  }

  /** Failures in a row so far. */
  get failures(): number {
    return this.#phase.failures;
  }

  /** Admits or refuses a call. When a trial is due, this call becomes the trial and `onChange` reports `half-open`. */
  admit(): Admission {
    const phase = this.#currentPhase();
    if (phase.state === "closed") {
      return phase.ticket;
    }
    if (phase.state === "open" || phase.trial !== undefined) {
      return { admitted: false, retryAt: this.#dueDate() };
    }
    phase.trial = { admitted: true, trial: true };
    return phase.trial;
  }

  /** The call succeeded. */
  success(ticket: CallTicket): void {
    const phase = this.#phase;
    if (phase.state === "closed" && phase.ticket === ticket) {
      phase.failures = 0;
    } else if (phase.state === "half-open" && phase.trial === ticket) {
      this.#enter(closedPhase(), "trial-succeeded");
    }
  }

  /** The call failed in a way that counts against the worker. */
  failure(ticket: CallTicket): void {
    const phase = this.#phase;
    if (phase.state === "closed" && phase.ticket === ticket) {
      phase.failures += 1;
      if (phase.failures >= this.#failureThreshold) {
        this.#open(this.#resetTimeoutMs, phase.failures, "failures");
      }
    } else if (phase.state === "half-open" && phase.trial === ticket) {
      this.#open(phase.timeoutMs * 2, phase.failures + 1, "trial-failed");
    }
  }

  /**
   * The outcome says nothing about the worker: the call was aborted, never sent, or wrong. If it was the trial, the next
   * call becomes the trial.
   */
  ignored(ticket: CallTicket): void {
    const phase = this.#phase;
    if (phase.state === "half-open" && phase.trial === ticket) {
      phase.trial = undefined;
    }
  }

  /** Opens the circuit, whatever the calls say, and ends a trial under way. No effect when it is open. */
  trip(reason: string): void {
    const phase = this.#currentPhase();
    if (phase.state === "closed") {
      this.#open(this.#resetTimeoutMs, phase.failures, reason);
    } else if (phase.state === "half-open") {
      this.#open(phase.timeoutMs * 2, phase.failures, reason);
    }
  }

  /** Closes the circuit and forgets all failures. `onChange` is called only when the state changes. */
  close(reason: string): void {
    if (this.#phase.state === "closed") {
      this.#phase = closedPhase();
    } else {
      this.#enter(closedPhase(), reason);
    }
  }

  /** The current phase, after entering half-open if a trial has become due. */
  #currentPhase(): Phase {
    const phase = this.#phase;
    if (phase.state === "open" && this.#clock.now() >= phase.dueAt) {
      const { failures, timeoutMs } = phase;
      this.#enter({ state: "half-open", failures, timeoutMs, trial: undefined }, "trial-due");
    }
    return this.#phase;
  }

  #open(timeoutMs: number, failures: number, reason: string): void {
    const cappedMs = Math.min(timeoutMs, this.#resetTimeoutMaxMs);
    this.#enter({ state: "open", failures, timeoutMs: cappedMs, dueAt: this.#clock.now() + cappedMs }, reason);
  }

  #enter(next: Phase, reason: string): void {
    const from = this.#phase.state;
    this.#phase = next;
    const retryAt = next.state === "open" ? this.#dueDate() : undefined;
    this.#onChange?.({ from, to: next.state, reason, failures: next.failures, retryAt });
  }

  /** When the next trial is due; now, when it could start now. */
  #dueDate(): Date {
    const waitMs = this.#phase.state === "open" ? Math.max(0, this.#phase.dueAt - this.#clock.now()) : 0;
    return new Date(Math.ceil(this.#clock.wallTime() + waitMs));
  }
}

/**
 * All calls of one closed period share one ticket, so admission allocates nothing. The next closed period has another
 * ticket, so late outcomes of an earlier one are recognised.
 */
function closedPhase(): Phase {
  return { state: "closed", ticket: { admitted: true, trial: false }, failures: 0 };
}
