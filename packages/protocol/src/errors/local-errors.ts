import type { ErrorCode } from "./error-codes.js";
import { type ErrorDetails, MultifrostError } from "./multifrost-error.js";
import type { ExitDetails } from "./remote-error.js";

/** The worker process could not be started. `exitCode` and `signal` are `null` if it never ran. */
export class SpawnError extends MultifrostError implements Readonly<ExitDetails> {
  static override readonly kind: string = "SpawnError";

  /** The exit code; `null` if a signal ended it or it never ran. */
  readonly exitCode: number | null;
  /** The signal that ended it, such as `SIGKILL`; `null` if there was none. */
  readonly signal: string | null;
  /** The last 4 KiB of its stderr. */
  readonly stderrTail: string;
  /** The last 4 KiB of its stdout. */
  readonly stdoutTail: string;
  /** The command line, to read and try. */
  readonly command: string;
  /** How long it ran, in milliseconds; 0 if it never did. */
  readonly uptimeMs: number;
  /** Always 0: nothing was sent to it yet. */
  readonly callsInFlight: number;
  /** The likely cause and what to do about it, where the exit and the output show it. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, exit: ExitDetails & ErrorDetails) {
    super(code, message, exit);
    this.exitCode = exit.exitCode;
    this.signal = exit.signal;
    this.stderrTail = exit.stderrTail;
    this.stdoutTail = exit.stdoutTail;
    this.command = exit.command;
    this.uptimeMs = exit.uptimeMs;
    this.callsInFlight = exit.callsInFlight;
    this.hint = exit.hint;
  }
}

/** No answer came within the call's timeout. The worker may still be running the method. */
export class TimeoutError extends MultifrostError {
  static override readonly kind: string = "TimeoutError";

  /** The timeout, in milliseconds. */
  readonly timeoutMs: number;
  /** The method that was called. */
  readonly functionName: string | undefined;

  constructor(message: string, details: ErrorDetails & { timeoutMs: number; functionName?: string | undefined }) {
    super("TIMEOUT", message, details);
    this.timeoutMs = details.timeoutMs;
    this.functionName = details.functionName;
  }
}

/** The call's `AbortSignal` fired. `cause` is the signal's reason. */
export class AbortError extends MultifrostError {
  static override readonly kind: string = "AbortError";

  constructor(message: string, details?: ErrorDetails) {
    super("ABORTED", message, details);
  }
}

/** The circuit breaker is open: nothing was sent. */
export class CircuitOpenError extends MultifrostError {
  static override readonly kind: string = "CircuitOpenError";

  /** When the next trial call is admitted. */
  readonly retryAt: Date;

  constructor(message: string, details: ErrorDetails & { retryAt: Date }) {
    super("CIRCUIT_OPEN", message, details);
    this.retryAt = details.retryAt;
  }
}

/** The connection to the worker is lost or could not be made. */
export class ConnectionError extends MultifrostError {
  static override readonly kind: string = "ConnectionError";

  /** The address of the worker, such as `tcp://127.0.0.1:40123`. */
  readonly endpoint: string | undefined;

  constructor(code: ErrorCode, message: string, details?: ErrorDetails & { endpoint?: string | undefined }) {
    super(code, message, details);
    this.endpoint = details?.endpoint;
  }
}

/** A value or message cannot be encoded or decoded. Nothing was sent. */
export class SerializationError extends MultifrostError {
  static override readonly kind: string = "SerializationError";

  /** The position of the value, such as `args[0].callback`; empty for the message as a whole. */
  readonly path: string;

  constructor(code: ErrorCode, message: string, details?: ErrorDetails & { path?: string }) {
    super(code, message, details);
    this.path = details?.path ?? "";
  }
}

/** Bytes from a peer are not a message of this protocol. */
export class MalformedMessageError extends MultifrostError {
  static override readonly kind: string = "MalformedMessageError";

  /** The message's id, if it could be read before the fault, so that its sender can be answered. */
  readonly messageId: string | undefined;
  /** The message's type, if it could be read. */
  readonly messageType: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    details?: ErrorDetails & { messageId?: string | undefined; messageType?: string | undefined },
  ) {
    super(code, message, details);
    this.messageId = details?.messageId;
    this.messageType = details?.messageType;
  }
}

/** A bounded queue is full: nothing was queued. */
export class OverloadError extends MultifrostError {
  static override readonly kind: string = "OverloadError";

  /** The limit that was reached. */
  readonly limit: number;
  /** The option that sets it, such as `maxPending`. */
  readonly option: string | undefined;

  constructor(message: string, details: ErrorDetails & { limit: number; option?: string | undefined }) {
    super("OVERLOADED", message, details);
    this.limit = details.limit;
    this.option = details.option;
  }
}

/** The worker is not started, is stopped, or has ended for good. */
export class NotRunningError extends MultifrostError {
  static override readonly kind: string = "NotRunningError";

  /** The state it is in. */
  readonly state: string;

  constructor(message: string, details: ErrorDetails & { state: string }) {
    super("NOT_RUNNING", message, details);
    this.state = details.state;
  }
}

/** Details of a {@link RegistryError}. */
export interface RegistryErrorDetails extends ErrorDetails {
  /** The service id of the operation. */
  serviceId?: string | undefined;
  /** The file that could not be locked, read or written. */
  file?: string | undefined;
  /** The process that has the service id, or holds the lock. */
  pid?: number | undefined;
  /** The port of the process that has the service id. */
  port?: number | undefined;
}

/** The service registry refused or failed; `code` says why. */
export class RegistryError extends MultifrostError {
  static override readonly kind: string = "RegistryError";

  /** The service id of the operation. */
  readonly serviceId: string | undefined;
  /** The file that could not be locked, read or written. */
  readonly file: string | undefined;
  /** The process that has the service id, or holds the lock. */
  readonly pid: number | undefined;
  /** The port of the process that has the service id. */
  readonly port: number | undefined;

  constructor(code: ErrorCode, message: string, details?: RegistryErrorDetails) {
    super(code, message, details);
    this.serviceId = details?.serviceId;
    this.file = details?.file;
    this.pid = details?.pid;
    this.port = details?.port;
  }
}
