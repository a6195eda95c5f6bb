// The end of every call, whatever it was: what it says of the worker's health, the metrics and the log.
// The beginning is in outgoing-call.ts.

import { type ErrorCode, MultifrostError } from "@multifrost/protocol";
import type {
  CircuitBreaker,
  Clock,
  EventLog,
  FailureRule,
  LogEventName,
  LogFields,
  Metrics,
} from "@multifrost/reliability";
import type { CallOutcome, PendingCall } from "./pending-calls.js";

/** Who hears of a call's beginning and end. */
export interface CallObservers {
  readonly clock: Clock;
  readonly breaker: CircuitBreaker;
  readonly isFailure: FailureRule;
  readonly metrics: Metrics;
  readonly events: EventLog;
}

/** A lost worker or connection is one failure, counted where it is noticed, and not one for each call in flight. */
const COUNTED_ELSEWHERE: ReadonlySet<ErrorCode> = new Set(["WORKER_EXITED", "CONNECTION_LOST", "UNREACHABLE"]);

/** A call was made. */
export function callBegan(call: PendingCall, { metrics, events }: CallObservers): void {
  metrics.requestStarted();
  if (events.enabled("request_start")) {
    events.emit("request_start", describe(call));
  }
}

/** A call has ended. */
export function callEnded(call: PendingCall, outcome: CallOutcome, observers: CallObservers): void {
  const { clock, metrics, events } = observers;
  const durationMs = clock.now() - call.startedAt;
  metrics.requestEnded(outcome.ok, durationMs);
  tellBreaker(call, outcome, observers);
  const event = eventOf(outcome);
  if (events.enabled(event)) {
    events.emit(event, { ...describe(call), durationMs, ...(outcome.ok ? {} : { err: outcome.error }) });
  }
}

function tellBreaker({ ticket }: PendingCall, outcome: CallOutcome, { breaker, isFailure }: CallObservers): void {
  if (outcome.ok) {
    breaker.success(ticket);
  } else if (!isCountedElsewhere(outcome.error) && isFailure(outcome.error)) {
    breaker.failure(ticket);
  } else {
    breaker.ignored(ticket);
  }
}

function isCountedElsewhere(error: Error): boolean {
  return error instanceof MultifrostError && COUNTED_ELSEWHERE.has(error.code);
}

function eventOf(outcome: CallOutcome): LogEventName {
  if (outcome.ok) {
    return "request_end";
  }
  return outcome.error instanceof MultifrostError && outcome.error.code === "TIMEOUT"
    ? "request_timeout"
    : "request_error";
}

function describe({ id, name, correlationId }: PendingCall): LogFields {
  return { requestId: id, functionName: name, correlationId };
}
