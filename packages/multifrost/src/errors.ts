// multifrost/errors: the error classes alone, for `instanceof`.

export {
  AbortError,
  type CallOutcome,
  CircuitOpenError,
  ConnectionError,
  type ErrorCode,
  type ErrorDetails,
  type ExitDetails,
  MalformedMessageError,
  MultifrostError,
  NotRunningError,
  OverloadError,
  RegistryError,
  type RegistryErrorDetails,
  RemoteCallError,
  type RemoteFailure,
  SerializationError,
  SpawnError,
  TimeoutError,
  WorkerExitedError,
  WorkerFailedError,
} from "@multifrost/protocol/errors";
