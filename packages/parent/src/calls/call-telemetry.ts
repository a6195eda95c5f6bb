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
export function reportStart(call: MeasuredCall, { metrics, events }: Telemetry): void {
  metrics.requestStarted();
  if (events.enabled("request_start")) {
    events.emit("request_start", logFields(call));
  }
}

/** Reports that a call settled. `error`: what it rejects with; `undefined` for a result. */
export function reportEnd(call: MeasuredCall, error: Error | undefined, telemetry: Telemetry): void {
  const { clock, metrics, breaker, events } = telemetry;
  const now = clock.now();
  const durationMs = now - call.startedAt;
  metrics.requestEnded(error === undefined, durationMs, now);
  if (error === undefined) {
    breaker.success(call.ticket);
  } else if (countsHere(error) && telemetry.isFailure(error)) {
    breaker.failure(call.ticket);
  } else {
    breaker.ignored(call.ticket);
  }
  const event = error === undefined ? "request_end" : isTimeout(error) ? "request_timeout" : "request_error";
  if (events.enabled(event)) {
    events.emit(event, { ...logFields(call), durationMs, ...(error && { err: error }) });
  }
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
