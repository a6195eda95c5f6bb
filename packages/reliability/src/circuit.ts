// The vocabulary of the circuit breaker: its states, what it answers, what it tells. No logic.
// Next: circuit-breaker.ts, the state machine.

import type { Clock } from "./clock.js";

/** `closed`: calls go out. `open`: none does. `half-open`: one does, to see whether the worker is back. */
export type CircuitState = "closed" | "open" | "half-open";

/** The call may go. Hand this very object back with the call's outcome. */
export interface CallTicket {
  readonly admitted: true;
  /** Whether this call decides if the circuit closes. */
  readonly trial: boolean;
}

/** The call may not go. */
export interface CallRefusal {
  readonly admitted: false;
  /** When the next trial is due; now, where one is already on its way. */
  readonly retryAt: Date;
}

/** The answer to a call that wants to go out. */
export type Admission = CallTicket | CallRefusal;

/** One change of state. */
export interface CircuitChange {
  readonly from: CircuitState;
  readonly to: CircuitState;
  /** `failures`, `trial-due`, `trial-failed`, `trial-succeeded`, or what was given to `trip` or `close`. */
  readonly reason: string;
  /** Failures in a row so far; 0 when it closes. */
  readonly failures: number;
  /** When the next trial is due; `undefined` unless it opens. */
  readonly retryAt: Date | undefined;
}

/** How a breaker is made. */
export interface CircuitBreakerOptions {
  clock: Clock;
  /** Failures in a row that open it. Default: 5. */
  failureThreshold?: number;
  /** From open to half-open, in milliseconds. Doubles each time the trial fails. Default: 1000. */
  resetTimeoutMs?: number;
  /** Where the doubling ends, in milliseconds. Default: 30 000. */
  resetTimeoutMaxMs?: number;
  /** Told of each change, after it was made. Must not throw. Default: nobody is told. */
  onChange?: (change: CircuitChange) => void;
}

/**
 * The breaker of one worker.
 *
 * Every ticket is handed back once, with `success`, `failure` or `ignored`. Only outcomes that belong to the present
 * state count. A call admitted before the circuit opened, or before it was closed anew, tells of the worker as it was
 * then: its late outcome neither closes nor opens anything.
 *
 * A trial lasts as long as its call, and everyone else is refused meanwhile: give calls a timeout.
 */
export interface CircuitBreaker {
  /** The state at this moment: `half-open` from the moment a trial is due, also before anyone asks for it. */
  readonly state: CircuitState;
  /** When the next trial is due; `undefined` unless the state is `open`. */
  readonly retryAt: Date | undefined;
  /** Failures in a row so far. */
  readonly failures: number;
  /** May a call go out now? Takes the trial's place where one is due; that is when `half-open` is told. */
  admit(): Admission;
  /** The call ended well. */
  success(ticket: CallTicket): void;
  /** The call ended in a way that speaks against the worker. */
  failure(ticket: CallTicket): void;
  /** The call ended without telling anything of the worker: aborted, never sent, the caller's own mistake. */
  ignored(ticket: CallTicket): void;
  /** Opens it whatever the calls say (heartbeats lost, restarts used up). Ends a trial under way. No effect when open. */
  trip(reason: string): void;
  /** Closes it and forgets all failures (worker restarted, heartbeats back, a person asked). Tells only of a change. */
  close(reason: string): void;
}
