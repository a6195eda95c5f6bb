// What each call contributes to the metrics, the circuit breaker and the log.

import { type ErrorCode, MultifrostError } from "@multifrost/protocol/errors";
import type { CallTicket, LogFields } from "@multifrost/reliability";
import type { Telemetry } from "../lifecycle/telemetry.js";

/** The call, as it is measured and logged. */
export interface MeasuredCall {
  readonly id: string;
  readonly name: string;
  /** From the circuit breaker. */
  readonly ticket: CallTicket;
  /** On the monotonic clock, in milliseconds. */
  readonly startedAt: number;
  readonly correlationId: string | undefined;
}

/** A lost worker or connection is one failure, counted where the loss is noticed, not once for each call in flight. */
const COUNTED_AS_LOSS: ReadonlySet<ErrorCode> = new Set(["WORKER_EXITED", "CONNECTION_LOST", "UNREACHABLE"]);

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
  const { metrics, breaker, events, requestEnd } = telemetry;
  const durationMs = arrivedAt - call.startedAt;
  metrics.requestEnded(true, durationMs, arrivedAt);
  breaker.success(call.ticket);
  if (requestEnd.enabled) {
    events.emit("request_end", { ...logFields(call), durationMs });
  }
}

/** Reports that a call settles with this error. */
export function reportFailure(call: MeasuredCall, error: Error, telemetry: Telemetry): void {
  const { clock, metrics, breaker, events } = telemetry;
  const now = clock.now();
  const durationMs = now - call.startedAt;
  metrics.requestEnded(false, durationMs, now);
  if (countsHere(error) && telemetry.isFailure(error)) {
    breaker.failure(call.ticket);
  } else {
    breaker.ignored(call.ticket);
  }
  const event = isTimeout(error) ? "request_timeout" : "request_error";
  events.emit(event, { ...logFields(call), durationMs, err: error });
}

function countsHere(error: Error): boolean {
  return !(error instanceof MultifrostError && COUNTED_AS_LOSS.has(error.code));
}

function isTimeout(error: Error): boolean {
  return error instanceof MultifrostError && error.code === "TIMEOUT";
}

function logFields({ id, name, correlationId }: MeasuredCall): LogFields {
  return { requestId: id, functionName: name, correlationId };
}
