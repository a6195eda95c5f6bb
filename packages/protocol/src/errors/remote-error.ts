import type { ErrorCode } from "./error-codes.js";
import { type ErrorDetails, MultifrostError } from "./multifrost-error.js";

/** An error reported by a worker, and the call it belongs to. */
export interface RemoteFailure extends ErrorDetails {
  /** Default: `REMOTE_ERROR`. */
  code?: ErrorCode;
  /** The error's class in the worker, such as `RangeError` or Python's `ValueError`. Default: `Error`. */
  remoteName?: string;
  /** The message as thrown in the worker. */
  remoteMessage: string;
  /** The worker's stack, or its Python traceback. */
  remoteStack?: string | undefined;
  /** The `code` of the thrown error, if it had one that is text (`ENOENT`) or an integer. */
  remoteCode?: string | number | undefined;
  /** The other fields of the thrown error, as far as they could be sent. */
  remoteData?: Record<string, unknown> | undefined;
  /** The errors of an AggregateError, or of an ExceptionGroup in Python. */
  errors?: readonly RemoteCallError[] | undefined;
  /** The method that was called. */
  functionName?: string | undefined;
}

/**
 * The method failed in the worker, or the worker refused the call. `cause` is the cause of the thrown error, if it had one,
 * also as a `RemoteCallError`.
 */
export class RemoteCallError extends MultifrostError {
  static override readonly kind: string = "RemoteCallError";

  /** The error's class in the worker, such as `RangeError` or Python's `ValueError`. */
  readonly remoteName: string;
  /** The message as thrown in the worker. */
  readonly remoteMessage: string;
  /** The worker's stack or Python traceback, if it sent one. */
  readonly remoteStack: string | undefined;
  /** The `code` of the thrown error, if it had one that is text (`ENOENT`) or an integer. */
  readonly remoteCode: string | number | undefined;
  /**
   * The other fields of the thrown error, as far as they could be sent: own enumerable ones of a JavaScript error, attributes
   * of a Python exception.
   */
  readonly remoteData: Record<string, unknown> | undefined;
  /** The errors of an AggregateError, of a Python ExceptionGroup, of Go's `errors.Join`. */
  readonly errors: readonly RemoteCallError[] | undefined;
  /** The method that was called. */
  readonly functionName: string | undefined;

  constructor(message: string, failure: RemoteFailure) {
    super(failure.code ?? "REMOTE_ERROR", message, failure);
    this.remoteName = failure.remoteName ?? "Error";
    this.remoteMessage = failure.remoteMessage;
    this.remoteStack = failure.remoteStack;
    this.remoteCode = failure.remoteCode;
    this.remoteData = failure.remoteData;
    this.errors = failure.errors;
    this.functionName = failure.functionName;
  }
}

/** How a process ended, and what is known of it. */
export interface ExitDetails {
  /** The exit code; `null` when a signal ended it. */
  exitCode: number | null;
  /** The signal that ended it; `null` when it exited by itself. */
  signal: string | null;
  /** The last 4 KiB of its stderr. */
  stderrTail: string;
  /** The last 4 KiB of its stdout. */
  stdoutTail: string;
  /** The command line, to read and try. */
  command: string;
  /** How long it ran, in milliseconds. */
  uptimeMs: number;
  /** Calls that were sent to it and got no answer. */
  callsInFlight: number;
  /** The likely cause and what to do about it, where the exit and the output show it. */
  hint: string | undefined;
}

/** The worker's process ended while the call was waiting for its answer, or before the call was made. */
export class WorkerExitedError extends RemoteCallError implements Readonly<ExitDetails> {
  static override readonly kind: string = "WorkerExitedError";

  /** The exit code; `null` if a signal ended it. */
  readonly exitCode: number | null;
  /** The signal that ended it, such as `SIGKILL`; `null` if there was none. */
  readonly signal: string | null;
  /** The last 4 KiB of its stderr. */
  readonly stderrTail: string;
  /** The last 4 KiB of its stdout. */
  readonly stdoutTail: string;
  /** The command line, to read and try. */
  readonly command: string;
  /** How long it ran, in milliseconds. */
  readonly uptimeMs: number;
  /** Calls that were sent to it and got no answer. */
  readonly callsInFlight: number;
  /** The likely cause and what to do about it, where the exit and the output show it. */
  readonly hint: string | undefined;

  constructor(message: string, exit: ExitDetails & { code?: ErrorCode; functionName?: string | undefined }) {
    super(message, {
      code: exit.code ?? "WORKER_EXITED",
      remoteName: "WorkerExitedError",
      remoteMessage: message,
      functionName: exit.functionName,
    });
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

/** The worker ended again and again, or could not be started again, and was given up. Its own fields are those of the last end. */
export class WorkerFailedError extends WorkerExitedError {
  static override readonly kind: string = "WorkerFailedError";

  /** Its last ends and failed starts, at most 10, the latest last. */
  readonly exits: readonly ExitDetails[];

  constructor(
    message: string,
    exit: ExitDetails & { exits: readonly ExitDetails[]; functionName?: string | undefined },
  ) {
    super(message, { ...exit, code: "WORKER_FAILED" });
    this.exits = exit.exits;
  }
}
