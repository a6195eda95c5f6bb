// Every stable string a caller may switch on. A code never changes its meaning; new ones may be added.
// Next: multifrost-error.ts, the base class that carries one.

/**
 * The stable `code` of an error, grouped by who raises it.
 *
 * A code is part of the public API: messages may be reworded, codes are not.
 */
export type ErrorCode =
  // The worker answered with an error.
  | "REMOTE_ERROR"
  | "FUNCTION_NOT_FOUND"
  | "NOT_CALLABLE"
  | "PRIVATE_METHOD"
  | "MISSING_FUNCTION"
  | "WRONG_NAMESPACE"
  // The worker, or the way to it, is gone.
  | "WORKER_EXITED"
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
  // The child's own start.
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
