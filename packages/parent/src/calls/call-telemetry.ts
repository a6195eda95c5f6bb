// What each call contributes to the metrics, the circuit breaker and the log.

import { type ErrorCode, MultifrostError } from "@multifrost/protocol/errors";
import type { Admission, CallTicket, LogFields } from "@multifrost/reliability";
import type { Telemetry } from "../lifecycle/telemetry.js";

/** The call, as it is measured and logged. */
export interface MeasuredCall {
  readonly id: string;
  readonly name: string;
  /** From the circuit breaker. */
  readonly ticket: CallTicket;
  /** From the circuit of its method; `undefined` unless the method's latest calls failed. */
  readonly methodTicket: Admission | undefined;
  /** What it was sent on; `undefined` while it waits for a session. */
  readonly sentOn: object | undefined;
  /** On the monotonic clock, in milliseconds. */
  readonly startedAt: number;
  readonly correlationId: string | undefined;
}

/** A lost worker or connection is one failure, counted where the loss is noticed, not once for each call in flight. */
const COUNTED_AS_LOSS: ReadonlySet<ErrorCode> = new Set([
  "WORKER_EXITED",
  "WORKER_FAILED",
  "CONNECTION_LOST",
  "UNREACHABLE",
]);

/** Reports that a call was made. */
export function reportStart(call: MeasuredCall, { metrics, events, requestStart }: Telemetry): void {
  metrics.requestStarted();
  if (requestStart.enabled) {
    events.emit("request_start", logFields(call));
  }
}

/**
 * Reports that a call settles with a result.
 *
 * @param arrivedAt When the result arrived, on the monotonic clock, in milliseconds.
 */
export function reportResult(call: MeasuredCall, arrivedAt: number, telemetry: Telemetry): void {
  const { metrics, breaker, methods, events, requestEnd } = telemetry;
  const durationMs = arrivedAt - call.startedAt;
  metrics.requestEnded(true, durationMs, arrivedAt);
  breaker.success(call.ticket);
  if (methods.size > 0) {
    methods.success(call.name, call.methodTicket);
  }
  if (requestEnd.enabled) {
    events.emit("request_end", { ...logFields(call), durationMs });
  }
}

/** Reports that a call settles with this error. */
export function reportFailure(call: MeasuredCall, error: Error, telemetry: Telemetry): void {
  const { clock, metrics, events } = telemetry;
  const now = clock.now();
  const durationMs = now - call.startedAt;
  metrics.requestEnded(false, durationMs, now);
  countFailure(call, error, telemetry);
  const event = codeOf(error) === "TIMEOUT" ? "request_timeout" : "request_error";
  events.emit(event, { ...logFields(call), durationMs, err: error });
}

/** An error that a method threw counts against this method alone: the worker answered. */
function countFailure(call: MeasuredCall, error: Error, { breaker, methods, isFailure }: Telemetry): void {
  const { name, ticket, methodTicket } = call;
  const counts = isFailure(error);
  if (codeOf(error) === "REMOTE_ERROR") {
    breaker.success(ticket);
  } else if (counts && countsHere(call, error)) {
    breaker.failure(ticket);
  } else {
    breaker.ignored(ticket);
  }
  if (counts && codeOf(error) === "REMOTE_ERROR") {
    methods.failure(name, methodTicket);
  } else {
    methods.ignored(name, methodTicket);
  }
}

/** A call that was never sent says nothing about the worker. */
function countsHere({ sentOn }: MeasuredCall, error: Error): boolean {
  const code = codeOf(error);
  return !(code !== undefined && COUNTED_AS_LOSS.has(code)) && (sentOn !== undefined || code !== "TIMEOUT");
}

function codeOf(error: Error): ErrorCode | undefined {
  return error instanceof MultifrostError ? error.code : undefined;
}

function logFields({ id, name, correlationId }: MeasuredCall): LogFields {
  return { requestId: id, functionName: name, correlationId };
}
