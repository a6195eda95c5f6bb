// The states and events of a `ParentWorker`.

import type { Message } from "@multifrost/protocol";
import type { ExitDetails } from "@multifrost/protocol/errors";
import { rethrowLater } from "@multifrost/protocol/internal";
import type { CircuitChange } from "@multifrost/reliability";

/**
 * The state of a `ParentWorker`.
 *
 * - `idle`: created, not started. Calls are refused.
 * - `starting`: `start()` is in progress. Calls are refused.
 * - `running`: calls are sent.
 * - `stalled`: calls are sent, but heartbeats stay unanswered although the process lives and its connection is up: the worker
 *   computes, is suspended, or hangs. `running` follows when it gives a sign of life.
 * - `restarting`: the process ended and a new one is being started. Calls wait.
 * - `reconnecting`: the connection to a service broke and is being restored. Calls wait.
 * - `exited`: the worker is gone and does not come back by itself; `restart()` starts it again. Calls are refused.
 * - `failed`: the process ended again and again until its restarts were used up, or `restart()` could not start it. Calls are
 *   refused with `WorkerFailedError`, which lists the last ends; `restart()` starts it again.
 * - `stopping`, `stopped`: `stop()` was called. Final.
 */
export type ParentState =
  | "idle"
  | "starting"
  | "running"
  | "stalled"
  | "restarting"
  | "reconnecting"
  | "exited"
  | "failed"
  | "stopping"
  | "stopped";

/** One heartbeat: its round trip in milliseconds, or how many in a row were missed so far. */
export type HeartbeatEvent = { readonly rttMs: number } | { readonly misses: number };

/** A change of the circuit breaker. */
export interface CircuitEvent extends CircuitChange {
  /** The method whose circuit it is; `undefined` for the worker's. */
  readonly functionName?: string;
}

/** A restart that worked. */
export interface RestartEvent {
  /** How the previous process ended; `undefined` after `restart()`. */
  readonly exit: ExitDetails | undefined;
  readonly pid: number | undefined;
}

/** A reload that worked. */
export interface ReloadEvent {
  /** The process that is used from now on; `undefined` where the parent did not start it. */
  readonly pid: number | undefined;
  /** The process that it replaces. */
  readonly previousPid: number | undefined;
}

/** The events of a `ParentWorker` and the arguments of their listeners. */
export interface ParentEvents {
  /** A line the worker wrote to stdout. Lines are printed only while there is no listener. */
  stdout: [line: string];
  /** A line the worker wrote to stderr. Lines are printed only while there is no listener. */
  stderr: [line: string];
  /** The worker's process ended, expected or not. */
  exit: [exit: ExitDetails];
  /** The worker's process was started again. */
  restart: [restart: RestartEvent];
  /** `reload()` has put another process, or another connection to the service, into use. */
  reload: [reload: ReloadEvent];
  /** The state changed. */
  state: [state: ParentState, before: ParentState];
  /** The circuit breaker of the worker, or of one method, changed. */
  circuit: [change: CircuitEvent];
  /** A heartbeat was answered or missed. */
  heartbeat: [beat: HeartbeatEvent];
  /** Every message from the worker, before it is handled. For inspecting traffic. */
  message: [message: Message];
}

/** What emits the events of a `ParentWorker`. */
export interface ParentEmitter {
  emit<K extends keyof ParentEvents>(event: K, ...args: ParentEvents[K]): boolean;
  listenerCount(event: keyof ParentEvents): number;
}

/**
 * Emits an event; returns whether there were listeners. What a listener throws becomes an uncaught exception, as usual
 * in Node, but on a later turn: the parent itself goes on.
 */
export function emitSafely<K extends keyof ParentEvents>(
  emitter: ParentEmitter,
  event: K,
  ...args: ParentEvents[K]
): boolean {
  try {
    return emitter.emit(event, ...args);
  } catch (error) {
    rethrowLater(error);
    return true;
  }
}
