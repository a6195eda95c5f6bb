// What is told of a call: that it began, how it ended, and that it went without an answer.

import type { EventLog, RareEvent } from "@multifrost/reliability";
import type { CallRunnerOptions, IncomingCall } from "./incoming-call.js";

/** Makes the runner's observers. They gather nothing where nobody listens. */
export function callEvents(
  events: EventLog,
  drops: RareEvent,
): Pick<CallRunnerOptions, "began" | "ended" | "unanswered" | "ignored"> {
  return {
    began(call) {
      if (events.enabled("request_start")) {
        events.emit("request_start", describeCall(call));
      }
    },
    ended(call, error) {
      const event = error === undefined ? "request_end" : "request_error";
      if (events.enabled(event)) {
        const durationMs = performance.now() - call.arrivedAt;
        events.emit(event, { ...describeCall(call), durationMs, ...(error && { err: error }) });
      }
    },
    unanswered: (call, err) => drops.emit({ ...describeCall(call), message: "An answer could not be sent.", err }),
    ignored: (call) => drops.emit({ ...describeCall(call), message: "A call for another namespace was ignored." }),
  };
}

function describeCall({ message }: IncomingCall): { requestId: string; functionName: string; correlationId?: string } {
  const correlationId = message.metadata?.correlation_id;
  return {
    requestId: message.id,
    functionName: message.function,
    ...(typeof correlationId === "string" ? { correlationId } : {}),
  };
}
