// @multifrost/parent: the calling side.

export type { CallOptions } from "./call/call-options.js";
export type { AnyWorker, CallProxy, RemoteMethods } from "./call/call-proxy.js";
export type { HeartbeatEvent, ParentEvents, RestartEvent } from "./events.js";
export type { ComposedOptions, ConnectOptions, ParentOptions, SpawnOptions } from "./options.js";
export { ParentWorker } from "./parent-worker.js";
export type { Executable } from "./spawn/launch-plan.js";
export type { ParentState } from "./state.js";
