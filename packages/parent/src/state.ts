// The states of a parent's life, and no other words for them. The child's twin: child/src/state.ts.

/**
 * Where a worker is in its life, seen from the parent.
 *
 * - `idle`: made, not started. Calls are refused.
 * - `starting`: `start()` is under way.
 * - `running`: calls go out.
 * - `restarting`: the process ended and a new one is being started. Calls wait.
 * - `reconnecting`: the way to a service broke and is looked for. Calls wait.
 * - `exited`: the process ended and will not be restarted by itself; `restart()` does.
 * - `stopping`, `stopped`: `stop()` was called. Final.
 */
export type ParentState =
  | "idle"
  | "starting"
  | "running"
  | "restarting"
  | "reconnecting"
  | "exited"
  | "stopping"
  | "stopped";

/** States in which a call waits for the worker, within its timeout. */
export function callsWait(state: ParentState): boolean {
  return state === "restarting" || state === "reconnecting";
}
