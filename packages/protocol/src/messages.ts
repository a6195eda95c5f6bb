/** The app id of the protocol, part of every message. `comlink_ipc_v4` has the same wire format. */
export const APP_ID = "comlink_ipc_v3";

/** The namespace of a call without one. */
export const DEFAULT_NAMESPACE = "default";

/** Extra fields of a message. Unknown keys are kept and ignored. */
export interface Metadata {
  [key: string]: unknown;
  /** call: when the caller sent it, float seconds since the epoch. */
  timestamp_sent?: number;
  /** call: an id chosen by the caller that groups calls in logs. */
  correlation_id?: string;
  /** call: the id of the call during which this one was made. */
  parent_request_id?: string;
  /** call: W3C Trace Context, https://www.w3.org/TR/trace-context/ */
  traceparent?: string;
  tracestate?: string;
  /** heartbeat: the sender's clock, float seconds. */
  hb_timestamp?: number;
  /** heartbeat: true in an answer. */
  hb_response?: boolean;
  /** answer to a heartbeat, response to `listFunctions`: what the worker understands, see `Feature`. */
  features?: readonly string[];
  /** response to `listFunctions`: the description of the worker's methods, an `InterfaceDescription` from a peer. */
  interface?: unknown;
  /** error: the thrown error in parts. */
  error?: ErrorParts;
}

/** A thrown error in parts, as `metadata.error` of an error message. */
export interface ErrorParts {
  /** The name that was set, otherwise that of the class. */
  name: string;
  message: string;
  /** Text or an integer. */
  code?: string | number;
  stack?: string;
  /** The error's cause, itself in parts. */
  cause?: ErrorParts;
  /** The errors of an AggregateError, of an ExceptionGroup in Python, of `errors.Join` in Go. */
  errors?: ErrorParts[];
  /** The error's other fields, as far as they can be sent. */
  data?: Record<string, unknown>;
}

/** Fields of every message. The app id is not among them: the codec writes and checks it. */
export interface MessageBase {
  /** A UUID v4. An answer has the id of the message it answers. Empty if an older sender left it out of an output. */
  id: string;
  /** When it was created, float seconds since the epoch; 0 if the sender left it out. */
  timestamp: number;
  metadata?: Metadata;
}

/** Parent to child: run a method. */
export interface CallMessage extends MessageBase {
  type: "call";
  /** The method's name; empty if the sender left it out, which is answered with an error. */
  function: string;
  args: readonly unknown[];
  namespace: string;
  client_name?: string;
}

/** Child to parent: the result of the method. */
export interface ResponseMessage extends MessageBase {
  type: "response";
  result: unknown;
}

/** Child to parent: why there is no result. */
export interface ErrorMessage extends MessageBase {
  type: "error";
  error: string;
}

/** Child to every parent: a line of output. */
export interface OutputMessage extends MessageBase {
  type: "stdout" | "stderr";
  output: string;
}

/** In both directions: checks that the other side's event loop runs. Answered with the same id. */
export interface HeartbeatMessage extends MessageBase {
  type: "heartbeat";
  /** Older JavaScript puts its clock here; the answer repeats it. */
  args?: readonly unknown[];
}

/** Parent to child: accept no more calls, finish those in flight, exit. */
export interface ShutdownMessage extends MessageBase {
  type: "shutdown";
}

/** Child to parent: started. Informational. */
export interface ReadyMessage extends MessageBase {
  type: "ready";
}

/** Every message of the protocol, distinguished by `type`. */
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
