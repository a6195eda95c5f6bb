import type { ErrorParts } from "@multifrost/protocol";
import { type Clock, type EventLog, type LoggedEvent, type RareEvent, systemClock } from "@multifrost/reliability";
import type { IncomingCall } from "./answer.js";

/** What the times of calls are read from. */
export const clock: Clock = systemClock();

/** Log events of calls: each start, each end, and calls that get no answer. Gathers nothing that is not logged. */
export class CallTelemetry {
  readonly #events: EventLog;
  readonly #start: LoggedEvent;
  readonly #end: LoggedEvent;
  readonly #error: LoggedEvent;
  readonly #drops: RareEvent;

  /** @param drops Counts the calls that get no answer. */
  constructor(events: EventLog, drops: RareEvent) {
    this.#events = events;
    this.#start = events.event("request_start");
    this.#end = events.event("request_end");
    this.#error = events.event("request_error");
    this.#drops = drops;
  }

  /** The method is about to run. */
  started(call: IncomingCall): void {
    if (this.#start.enabled) {
      this.#events.emit("request_start", describeCall(call));
    }
  }

  /** The call was answered: with `error`, or with a result. */
  answered(call: IncomingCall, error: ErrorParts | undefined): void {
    if (error === undefined) {
      if (this.#end.enabled) {
        this.#events.emit("request_end", { ...describeCall(call), durationMs: durationOf(call) });
      }
    } else if (this.#error.enabled) {
      this.#events.emit("request_error", { ...describeCall(call), durationMs: durationOf(call), err: error });
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

/** Since it arrived, in milliseconds. */
function durationOf({ arrivedAt }: IncomingCall): number {
  return clock.now() - arrivedAt;
}
