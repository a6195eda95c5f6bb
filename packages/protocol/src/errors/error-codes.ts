/**
 * The stable `code` of an error, grouped by where it is raised.
 *
 * A code is part of the public API and never changes its meaning; messages may be reworded. New codes may be added.
 */
export type ErrorCode =
  // The worker answered with an error.
  | "REMOTE_ERROR"
  | "FUNCTION_NOT_FOUND"
  | "NOT_CALLABLE"
  | "PRIVATE_METHOD"
  | "MISSING_FUNCTION"
  | "WRONG_NAMESPACE"
  | "STOPPING"
  // The worker or the connection to it is gone.
  | "WORKER_EXITED"
  | "WORKER_FAILED"
  | "CONNECTION_LOST"
  | "UNREACHABLE"
  // The worker could not be started.
  | "PROGRAM_NOT_FOUND"
  | "SCRIPT_NOT_FOUND"
  | "NO_TYPESCRIPT_RUNNER"
  | "EXITED_EARLY"
  | "START_TIMEOUT"
  | "SPAWN_FAILED"
  // The caller's side ended the call, or never sent it.
  | "TIMEOUT"
  | "ABORTED"
  | "CIRCUIT_OPEN"
  | "OVERLOADED"
  | "NOT_RUNNING"
  | "ALREADY_STARTED"
  | "INVALID_OPTION"
  // Values and messages.
  | "UNSENDABLE_VALUE"
  | "MESSAGE_TOO_LARGE"
  | "LIMIT_EXCEEDED"
  | "MALFORMED_MESSAGE"
  | "FOREIGN_APP"
  | "UNKNOWN_TYPE"
  | "MISSING_ID"
  // A child cannot start.
  | "INVALID_PORT"
  | "NO_START_MODE"
  // The service registry.
  | "SERVICE_NOT_FOUND"
  | "SERVICE_EXISTS"
  | "LOCK_TIMEOUT"
  | "REGISTRY_UNAVAILABLE"
  // The transport.
  | "CHANNEL_CLOSED"
  | "PEER_UNKNOWN"
  | "TRANSPORT_UNAVAILABLE";

/** Every code has a line here, so that a new code does not compile until this is decided for it. */
const COUNTS: Readonly<Record<ErrorCode, boolean>> = {
  // The method threw. Which of these errors are the worker's fault, only the user can say.
  REMOTE_ERROR: true,
  // The caller asked for something that does not exist: the worker is well enough to say so.
  FUNCTION_NOT_FOUND: false,
  NOT_CALLABLE: false,
  PRIVATE_METHOD: false,
  MISSING_FUNCTION: false,
  WRONG_NAMESPACE: false,
  // The call never ran: another worker, or the next session, takes it.
  STOPPING: false,
  // The worker or the connection to it is gone, or could not be made.
  WORKER_EXITED: true,
  WORKER_FAILED: true,
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
  // The value is at fault, not the worker.
  UNSENDABLE_VALUE: false,
  MESSAGE_TOO_LARGE: false,
  LIMIT_EXCEEDED: false,
  // Such messages are dropped and end no call.
  MALFORMED_MESSAGE: false,
  FOREIGN_APP: false,
  UNKNOWN_TYPE: false,
  MISSING_ID: false,
  // Raised when a worker starts, or by the registry, not by a call.
  INVALID_PORT: false,
  NO_START_MODE: false,
  SERVICE_EXISTS: false,
  LOCK_TIMEOUT: false,
  REGISTRY_UNAVAILABLE: false,
};

/** Whether an error with this code counts against the worker's health. A code from a newer version counts. */
export function countsAgainstWorker(code: ErrorCode): boolean {
  return COUNTS[code] ?? true;
}
