// Makes the messages of messages.ts: fresh id, current time, optional fields only where they are given.
// Next: encode.ts.

import type {
  CallMessage,
  ErrorMessage,
  ErrorParts,
  HeartbeatMessage,
  Metadata,
  OutputMessage,
  ReadyMessage,
  ResponseMessage,
  ShutdownMessage,
} from "./messages.js";
import { DEFAULT_NAMESPACE } from "./messages.js";
import { newMessageId } from "./wire-id.js";

/**
 * The time as messages carry it: float seconds since the epoch. Never a whole number, which would be written as an
 * integer once in a thousand messages: a whole second is told a microsecond late.
 */
export function wireTime(): number {
  const now = Date.now();
  return (now % 1000 === 0 ? now + 0.001 : now) / 1000;
}

/** What a call is made of, beside its arguments. */
export interface CallParts {
  function: string;
  args?: readonly unknown[];
  /** Default: `default`. */
  namespace?: string;
  clientName?: string | undefined;
  metadata?: Metadata | undefined;
}

/** A call with a fresh id. */
export function createCall(parts: CallParts): CallMessage {
  const message: CallMessage = {
    type: "call",
    id: newMessageId(),
    timestamp: wireTime(),
    function: parts.function,
    args: parts.args ?? [],
    namespace: parts.namespace ?? DEFAULT_NAMESPACE,
  };
  if (parts.clientName !== undefined) {
    message.client_name = parts.clientName;
  }
  if (parts.metadata !== undefined) {
    message.metadata = parts.metadata;
  }
  return message;
}

/** The answer to the call with this id. `undefined` as a result leaves the field out. */
export function createResponse(callId: string, result: unknown, metadata?: Metadata): ResponseMessage {
  const message: ResponseMessage = { type: "response", id: callId, timestamp: wireTime(), result };
  if (metadata !== undefined) {
    message.metadata = metadata;
  }
  return message;
}

/** The error answer to the call with this id: the plain message, and the parts in `metadata.error`. */
export function createError(callId: string, error: ErrorParts): ErrorMessage {
  return { type: "error", id: callId, timestamp: wireTime(), error: error.message, metadata: { error } };
}

/** A line of output, without its line end. */
export function createOutput(stream: "stdout" | "stderr", line: string): OutputMessage {
  return { type: stream, id: newMessageId(), timestamp: wireTime(), output: line };
}

/** A heartbeat with a fresh id, or with yours. */
export function createHeartbeat(id: string = newMessageId()): HeartbeatMessage {
  const timestamp = wireTime();
  return { type: "heartbeat", id, timestamp, metadata: { hb_timestamp: timestamp } };
}

/** The answer to a heartbeat: its id, `args` and metadata, and `hb_response`. */
export function answerHeartbeat(heartbeat: HeartbeatMessage): HeartbeatMessage {
  const answer: HeartbeatMessage = {
    type: "heartbeat",
    id: heartbeat.id,
    timestamp: wireTime(),
    metadata: { ...heartbeat.metadata, hb_response: true },
  };
  if (heartbeat.args !== undefined) {
    answer.args = heartbeat.args;
  }
  return answer;
}

/** Asks the child to end. */
export function createShutdown(): ShutdownMessage {
  return { type: "shutdown", id: newMessageId(), timestamp: wireTime() };
}

/** Tells the parent that the child has started. */
export function createReady(): ReadyMessage {
  return { type: "ready", id: newMessageId(), timestamp: wireTime() };
}
