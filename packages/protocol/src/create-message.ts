import { newMessageId } from "./message-id.js";
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

/** The latest time that was made, and when, on a monotonic clock in milliseconds. */
let latest = 0;
let madeAt = Number.NaN;

/**
 * The current time as messages carry it: float seconds since the epoch. Never a whole number, which would be encoded as
 * an integer: a microsecond is added to a whole second.
 *
 * @param now The monotonic clock's time in milliseconds, for a caller that has just read it. Then the date, which has no finer
 *   resolution, is read once a millisecond. Default: the date is read.
 */
export function wireTime(now: number = Number.NaN): number {
  const isKnown = now >= madeAt && now - madeAt < 1;
  if (!isKnown) {
    const date = Date.now();
    latest = (date % 1000 === 0 ? date + 0.001 : date) / 1000;
    madeAt = now;
  }
  return latest;
}

/** The parts of a call. */
export interface CallParts {
  /** The name of the method. */
  function: string;
  /** Default: none. */
  args?: readonly unknown[];
  /** Default: `default`. */
  namespace?: string | undefined;
  /** A name of the caller, for logs. Default: none. */
  clientName?: string | undefined;
  /** Default: none. */
  metadata?: Metadata | undefined;
  /** From {@link wireTime}. Default: now. */
  timestamp?: number;
}

/** Creates a call with a new id. */
export function createCall(parts: CallParts): CallMessage {
  const message: CallMessage = {
    type: "call",
    id: newMessageId(),
    timestamp: parts.timestamp ?? wireTime(),
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

/**
 * Creates the answer to the call with this id. A result of `undefined` leaves the field out.
 *
 * @param timestamp From {@link wireTime}. Default: now.
 */
export function createResponse(
  callId: string,
  result: unknown,
  metadata?: Metadata,
  timestamp: number = wireTime(),
): ResponseMessage {
  const message: ResponseMessage = { type: "response", id: callId, timestamp, result };
  if (metadata !== undefined) {
    message.metadata = metadata;
  }
  return message;
}

/** Creates the error answer to the call with this id: the plain message, and its parts in `metadata.error`. */
export function createError(callId: string, error: ErrorParts): ErrorMessage {
  return { type: "error", id: callId, timestamp: wireTime(), error: error.message, metadata: { error } };
}

/** Creates the message for a line of output, given without its line end. */
export function createOutput(stream: "stdout" | "stderr", line: string): OutputMessage {
  return { type: stream, id: newMessageId(), timestamp: wireTime(), output: line };
}

/** Creates a heartbeat. Default id: a new one. */
export function createHeartbeat(id: string = newMessageId()): HeartbeatMessage {
  const timestamp = wireTime();
  return { type: "heartbeat", id, timestamp, metadata: { hb_timestamp: timestamp } };
}

/** Creates the message that asks a child to exit. */
export function createShutdown(): ShutdownMessage {
  return { type: "shutdown", id: newMessageId(), timestamp: wireTime() };
}

/** Creates the message that a child has started. */
export function createReady(): ReadyMessage {
  return { type: "ready", id: newMessageId(), timestamp: wireTime() };
}
