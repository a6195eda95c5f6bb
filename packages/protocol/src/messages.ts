// What travels between parent and child: the union of all messages, field names as on the wire, no logic.
// Next: create-message.ts makes them, encode.ts and decode.ts turn them into bytes and back.

/** The app id of the protocol, in every message. `comlink_ipc_v4` has the same wire. */
export const APP_ID = "comlink_ipc_v3";

/** The namespace of a call that names none. */
export const DEFAULT_NAMESPACE = "default";

/** Free extra fields of a message. Unknown keys are kept and ignored; these are the known ones. */
export interface Metadata {
  [key: string]: unknown;
  /** call: when the caller sent it, float seconds since the epoch. */
  timestamp_sent?: number;
  /** call: an id of the caller's own that joins several calls in logs. */
  correlation_id?: string;
  /** call: the id of the call that made this one. */
  parent_request_id?: string;
  /** call: W3C Trace Context, https://www.w3.org/TR/trace-context/ */
  traceparent?: string;
  tracestate?: string;
  /** heartbeat: the sender's clock, float seconds. */
  hb_timestamp?: number;
  /** heartbeat: true in an answer. */
  hb_response?: boolean;
  /** response to `listFunctions`: what the worker tells of its methods, an `InterfaceDescription` from a peer. */
  interface?: unknown;
  /** error: the thrown error in parts. */
  error?: ErrorParts;
}

/** A thrown error in parts, as `metadata.error` of an error message. */
export interface ErrorParts {
  name: string;
  message: string;
  code?: string;
  stack?: string;
}

/** What every message has. The app id is not here: the codec writes and checks it. */
export interface MessageBase {
  /** A UUID v4. An answer carries the id of what it answers. Empty where an older sender left it out of an output. */
  id: string;
  /** When it was made, float seconds since the epoch; 0 where the sender left it out. */
  timestamp: number;
  metadata?: Metadata;
}

/** Parent to child: run a method. */
export interface CallMessage extends MessageBase {
  type: "call";
  /** The method's name; empty where the sender left it out, which is answered with an error. */
  function: string;
  args: readonly unknown[];
  namespace: string;
  client_name?: string;
}

/** Child to parent: what the method returned. */
export interface ResponseMessage extends MessageBase {
  type: "response";
  result: unknown;
}

/** Child to parent: why the method gave no result. */
export interface ErrorMessage extends MessageBase {
  type: "error";
  error: string;
}

/** Child to every parent: a line of output. */
export interface OutputMessage extends MessageBase {
  type: "stdout" | "stderr";
  output: string;
}

/** Either way: proves that the other side's loop turns. Answered with the same id. */
export interface HeartbeatMessage extends MessageBase {
  type: "heartbeat";
  /** Older JavaScript puts its clock here; an answer echoes it. */
  args?: readonly unknown[];
}

/** Parent to child: take no more calls, finish those in flight, end. */
export interface ShutdownMessage extends MessageBase {
  type: "shutdown";
}

/** Child to parent: started. Informational. */
export interface ReadyMessage extends MessageBase {
  type: "ready";
}

/** Every message of the protocol, told apart by `type`. */
export type Message =
  | CallMessage
  | ResponseMessage
  | ErrorMessage
  | OutputMessage
  | HeartbeatMessage
  | ShutdownMessage
  | ReadyMessage;

/** The `type` of a message. */
export type MessageType = Message["type"];
