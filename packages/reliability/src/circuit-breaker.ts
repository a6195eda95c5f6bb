// May a call go out? (step 3 of a call.) Stops calls to a worker that keeps failing, and finds out when it is back.
// Time is asked for, never waited for: no timers. Next: failure-rule.ts, which decides what counts as a failure.

import type {
  Admission,
  CallTicket,
  CircuitBreaker,
  CircuitBreakerOptions,
  CircuitChange,
  CircuitState,
} from "./circuit.js";
import type { Clock } from "./clock.js";

/** What each state has to remember. An outcome counts only if its ticket is the very one in here. */
type Phase =
  | { readonly state: "closed"; readonly ticket: CallTicket; failures: number }
  | { readonly state: "open"; readonly failures: number; readonly timeoutMs: number; readonly dueAt: number }
  | {
      readonly state: "half-open";
      readonly failures: number;
      readonly timeoutMs: number;
      trial: CallTicket | undefined;
    };

interface Machine {
  phase: Phase;
  readonly clock: Clock;
  readonly failureThreshold: number;
  readonly resetTimeoutMs: number;
  readonly resetTimeoutMaxMs: number;
  readonly onChange: ((change: CircuitChange) => void) | undefined;
}

/**
 * Makes a closed breaker.
 *
 * closed → open after `failureThreshold` failures in a row; open → half-open after `resetTimeoutMs`; half-open → closed
 * when the one trial succeeds, → open again, for twice as long, when it fails.
 */
export function createCircuitBreaker(options: CircuitBreakerOptions): CircuitBreaker {
  const { clock, failureThreshold = 5, resetTimeoutMs = 1000, resetTimeoutMaxMs = 30_000, onChange } = options;
  const limits = { failureThreshold, resetTimeoutMs, resetTimeoutMaxMs };
  const machine: Machine = { phase: closedPhase(), clock, ...limits, onChange };
  return {
    get state() {
      return stateNow(machine);
    },
    get retryAt() {
      return stateNow(machine) === "open" ? dueDate(machine) : undefined;
    },
    get failures() {
      return machine.phase.failures;
    },
    admit: () => admit(machine),
    success: (ticket) => succeed(machine, ticket),
    failure: (ticket) => fail(machine, ticket),
    ignored: (ticket) => ignore(machine, ticket),
    trip: (reason) => trip(machine, reason),
    close: (reason) => close(machine, reason),
  };
}

/**
 * Every call of one closed stretch shares one ticket, which costs a call nothing, and a new stretch has a new one, so
 * that late outcomes of an earlier stretch are told apart.
 */
function closedPhase(): Phase {
  return { state: "closed", ticket: { admitted: true, trial: false }, failures: 0 };
}

function stateNow({ phase, clock }: Machine): CircuitState {
  return phase.state === "open" && clock.now() >= phase.dueAt ? "half-open" : phase.state;
}

/** When the next trial is due, as a date; now where it could be now. */
function dueDate({ phase, clock }: Machine): Date {
  const waitMs = phase.state === "open" ? Math.max(0, phase.dueAt - clock.now()) : 0;
  return new Date(Math.ceil(clock.wallTime() + waitMs));
}

function enter(machine: Machine, next: Phase, reason: string): void {
  const from = machine.phase.state;
  machine.phase = next;
  const retryAt = next.state === "open" ? dueDate(machine) : undefined;
  machine.onChange?.({ from, to: next.state, reason, failures: next.failures, retryAt });
}

/** Makes the step from open to half-open that time alone has brought, so that what follows starts from there. */
function catchUp(machine: Machine): Phase {
  const { phase } = machine;
  if (phase.state === "open" && stateNow(machine) === "half-open") {
    const { failures, timeoutMs } = phase;
    enter(machine, { state: "half-open", failures, timeoutMs, trial: undefined }, "trial-due");
  }
  return machine.phase;
}

function open(machine: Machine, timeoutMs: number, failures: number, reason: string): void {
  const cappedMs = Math.min(timeoutMs, machine.resetTimeoutMaxMs);
  enter(machine, { state: "open", failures, timeoutMs: cappedMs, dueAt: machine.clock.now() + cappedMs }, reason);
}

function admit(machine: Machine): Admission {
  const phase = catchUp(machine);
  switch (phase.state) {
    case "closed":
      return phase.ticket;
    case "open":
      return { admitted: false, retryAt: dueDate(machine) };
    case "half-open":
      if (phase.trial !== undefined) {
        return { admitted: false, retryAt: dueDate(machine) };
      }
      phase.trial = { admitted: true, trial: true };
      return phase.trial;
    default:
      return phase satisfies never;
  }
}

function succeed(machine: Machine, ticket: CallTicket): void {
  const { phase } = machine;
  if (phase.state === "closed" && phase.ticket === ticket) {
    phase.failures = 0;
  } else if (phase.state === "half-open" && phase.trial === ticket) {
    enter(machine, closedPhase(), "trial-succeeded");
  }
}

function fail(machine: Machine, ticket: CallTicket): void {
  const { phase } = machine;
  if (phase.state === "closed" && phase.ticket === ticket) {
    phase.failures += 1;
    if (phase.failures >= machine.failureThreshold) {
      open(machine, machine.resetTimeoutMs, phase.failures, "failures");
    }
  } else if (phase.state === "half-open" && phase.trial === ticket) {
    open(machine, phase.timeoutMs * 2, phase.failures + 1, "trial-failed");
  }
}

/** Frees the trial's place: the next call is the trial then, so that an aborted one cannot leave it half-open for ever. */
function ignore(machine: Machine, ticket: CallTicket): void {
  const { phase } = machine;
  if (phase.state === "half-open" && phase.trial === ticket) {
    phase.trial = undefined;
  }
}

function trip(machine: Machine, reason: string): void {
  const phase = catchUp(machine);
  switch (phase.state) {
    case "closed":
      return open(machine, machine.resetTimeoutMs, phase.failures, reason);
    case "open":
      return;
    case "half-open":
      return open(machine, phase.timeoutMs * 2, phase.failures, reason);
    default:
      return phase satisfies never;
  }
}

function close(machine: Machine, reason: string): void {
  if (machine.phase.state === "closed") {
    machine.phase = closedPhase();
  } else {
    enter(machine, closedPhase(), reason);
  }
}
