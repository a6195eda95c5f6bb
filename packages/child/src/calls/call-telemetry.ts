import type { ErrorParts } from "@multifrost/protocol";
import { type Clock, type EventLog, type RareEvent, systemClock } from "@multifrost/reliability";
import type { IncomingCall } from "./answer.js";

/** What the times of calls are read from. */
export const clock: Clock = systemClock();

/** Log events of calls: each start, each end, and calls that get no answer. Gathers nothing that is not logged. */
export class CallTelemetry {
  readonly #events: EventLog;
  readonly #drops: RareEvent;

  /** @param drops Counts the calls that get no answer. */
  constructor(events: EventLog, drops: RareEvent) {
    this.#events = events;
    this.#drops = drops;
  }

  /** The method is about to run. */
  started(call: IncomingCall): void {
    if (this.#events.enabled("request_start")) {
      this.#events.emit("request_start", describeCall(call));
    }
  }

  /** The call was answered: with `error`, or with a result. */
  answered(call: IncomingCall, error: ErrorParts | undefined): void {
    const event = error === undefined ? "request_end" : "request_error";
    if (this.#events.enabled(event)) {
      const durationMs = clock.now() - call.arrivedAt;
      this.#events.emit(event, { ...describeCall(call), durationMs, ...(error && { err: error }) });
    }
  }

  /** Not even the shortest answer could be sent. */
  unanswered(call: IncomingCall, reason: unknown): void {
    this.#drops.emit({ ...describeCall(call), message: "An answer could not be sent.", err: reason });
  }

  /** The call is for another namespace, and `otherNamespaces` is `ignore`. */
  ignored(call: IncomingCall): void {
    this.#drops.emit({ ...describeCall(call), message: "A call for another namespace was ignored." });
  }
}

function describeCall({ message }: IncomingCall): { requestId: string; functionName: string; correlationId?: string } {
  const correlationId = message.metadata?.correlation_id;
  return {
    requestId: message.id,
    functionName: message.function,
    ...(typeof correlationId === "string" ? { correlationId } : {}),
  };
}
