// Which errors speak against the worker, and so count for the circuit breaker.
// Used by whoever hands tickets back to circuit-breaker.ts: `failure` where this says true, `ignored` otherwise.

import { type ErrorCode, MultifrostError } from "@multifrost/protocol/errors";

/** Whether an error that ended a call counts as a failure of the worker. */
export type FailureRule = (error: unknown) => boolean;

/** A table over every code, so that a new code does not compile until someone has decided. */
const COUNTS: Readonly<Record<ErrorCode, boolean>> = {
  // The method threw; which of these are the worker's fault, only the user can tell (see createFailureRule).
  REMOTE_ERROR: true,
  // The caller asked for something that is not there: the worker is well enough to say so.
  FUNCTION_NOT_FOUND: false,
  NOT_CALLABLE: false,
  PRIVATE_METHOD: false,
  MISSING_FUNCTION: false,
  WRONG_NAMESPACE: false,
  // The worker, or the way to it, is gone, or could not be made.
  WORKER_EXITED: true,
  CONNECTION_LOST: true,
  UNREACHABLE: true,
  PEER_UNKNOWN: true,
  SERVICE_NOT_FOUND: true,
  PROGRAM_NOT_FOUND: true,
  SCRIPT_NOT_FOUND: true,
  NO_TYPESCRIPT_RUNNER: true,
  EXITED_EARLY: true,
  START_TIMEOUT: true,
  SPAWN_FAILED: true,
  TIMEOUT: true,
  // The caller's side ended the call, or never sent it.
  ABORTED: false,
  CIRCUIT_OPEN: false,
  OVERLOADED: false,
  NOT_RUNNING: false,
  ALREADY_STARTED: false,
  INVALID_OPTION: false,
  CHANNEL_CLOSED: false,
  TRANSPORT_UNAVAILABLE: false,
  // The value, not the worker.
  UNSENDABLE_VALUE: false,
  MESSAGE_TOO_LARGE: false,
  LIMIT_EXCEEDED: false,
  // Such messages are dropped and end no call.
  MALFORMED_MESSAGE: false,
  FOREIGN_APP: false,
  UNKNOWN_TYPE: false,
  MISSING_ID: false,
  // Raised in the worker's own start, or by the registry, not by a call.
  INVALID_PORT: false,
  NO_START_MODE: false,
  SERVICE_EXISTS: false,
  LOCK_TIMEOUT: false,
  REGISTRY_UNAVAILABLE: false,
};

/**
 * The default rule: exits, lost connections, timeouts and errors thrown by the method count; the caller's own mistakes,
 * aborts, values that cannot be sent and overload do not. An error that is not a `MultifrostError`, or has a code from
 * a newer version, counts.
 */
export function isWorkerFailure(error: unknown): boolean {
  return error instanceof MultifrostError ? (COUNTS[error.code] ?? true) : true;
}

/**
 * The default rule with exemptions: `isFailure` is asked only about what counts by default, and returns `false` for
 * what shall not, such as validation errors. If it throws, the error counts. Default: no exemptions.
 */
export function createFailureRule(isFailure?: FailureRule): FailureRule {
  if (isFailure === undefined) {
    return isWorkerFailure;
  }
  return (error) => isWorkerFailure(error) && askUser(isFailure, error);
}

function askUser(isFailure: FailureRule, error: unknown): boolean {
  try {
    return isFailure(error);
  } catch {
    return true;
  }
}
