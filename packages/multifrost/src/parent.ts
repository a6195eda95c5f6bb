// multifrost/parent: the calling side alone.

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
