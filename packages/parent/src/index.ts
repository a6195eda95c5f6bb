// @multifrost/parent: the calling side.

export type { AnyWorker, CallProxy, RemoteMethods } from "./calls/remote-methods.js";
export type { CircuitEvent, HeartbeatEvent, ParentEvents, ParentState, ReloadEvent, RestartEvent } from "./events.js";
export type { CallOptions, ComposedOptions, ConnectOptions, ParentOptions, SpawnOptions } from "./options.js";
export { ParentWorker } from "./parent-worker.js";
export type { Executable } from "./process/launch-plan.js";
