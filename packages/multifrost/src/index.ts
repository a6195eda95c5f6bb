/**
 * `multifrost`: what an application needs, the calling side and the answering side. A worker that only answers loads
 * `multifrost/child`. Building blocks, such as the codec, transports and registries, are in the `@multifrost/*` packages.
 *
 * @packageDocumentation
 */

export { type ChildOptions, ChildWorker } from "@multifrost/child";
export {
  type AnyWorker,
  type CallOptions,
  type CallProxy,
  type ComposedOptions,
  type ConnectOptions,
  type Executable,
  type HeartbeatEvent,
  type ParentEvents,
  type ParentOptions,
  type ParentState,
  ParentWorker,
  type ReloadEvent,
  type RemoteMethods,
  type RestartEvent,
  type SpawnOptions,
} from "@multifrost/parent";
export type { InterfaceDescription, MessageLimits, Metadata } from "@multifrost/protocol";
export {
  AbortError,
  type CallOutcome,
  CircuitOpenError,
  ConnectionError,
  type ErrorCode,
  type ExitDetails,
  MalformedMessageError,
  MultifrostError,
  NotRunningError,
  OverloadError,
  RegistryError,
  RemoteCallError,
  SerializationError,
  SpawnError,
  TimeoutError,
  WorkerExitedError,
  WorkerFailedError,
} from "@multifrost/protocol/errors";
export { interfaceDeclaration, interfaceHash } from "@multifrost/protocol/interface";
export {
  type CircuitChange,
  type CircuitState,
  type FailureRule,
  jsonLinesLogger,
  type Logger,
  type LogLevel,
  type LogRecord,
  type MetricsSnapshot,
  prettyLogger,
} from "@multifrost/reliability";
export { createMemoryTransport } from "@multifrost/transport";
