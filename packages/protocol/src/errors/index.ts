/**
 * `@multifrost/protocol/errors`: the error classes of all Multifrost packages.
 *
 * @packageDocumentation
 */

export type { ErrorCode } from "./error-codes.js";
export {
  AbortError,
  CircuitOpenError,
  ConnectionError,
  MalformedMessageError,
  NotRunningError,
  OverloadError,
  RegistryError,
  type RegistryErrorDetails,
  SerializationError,
  SpawnError,
  TimeoutError,
} from "./local-errors.js";
export { type CallOutcome, type ErrorDetails, MultifrostError } from "./multifrost-error.js";
export {
  type ExitDetails,
  RemoteCallError,
  type RemoteFailure,
  WorkerExitedError,
  WorkerFailedError,
} from "./remote-error.js";
