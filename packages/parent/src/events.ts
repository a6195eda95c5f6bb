// What a parent tells its listeners, with the arguments of each event.

import type { ExitDetails, Message } from "@multifrost/protocol";
import { rethrowLater } from "@multifrost/protocol/internal";
import type { CircuitChange } from "@multifrost/reliability";
import type { ParentState } from "./state.js";

/** One heartbeat: how long its round trip took, or how many in a row were missed by now. */
export type HeartbeatEvent = { readonly rttMs: number } | { readonly misses: number };

/** One restart of the process that worked. */
export interface RestartEvent {
  /** How the process before it ended; `undefined` where `restart()` was called. */
  readonly exit: ExitDetails | undefined;
  readonly pid: number | undefined;
}

/** The events of a `ParentWorker`, with the arguments of their listeners. */
export interface ParentEvents {
  /** A line the worker wrote to stdout. While anybody listens, it is not printed. */
  stdout: [line: string];
  /** A line the worker wrote to stderr. While anybody listens, it is not printed. */
  stderr: [line: string];
  /** The worker's process ended, expected or not. */
  exit: [exit: ExitDetails];
  /** The worker's process was started anew. */
  restart: [restart: RestartEvent];
  state: [state: ParentState, before: ParentState];
  circuit: [change: CircuitChange];
  heartbeat: [beat: HeartbeatEvent];
  /** Every message from the worker, before anything is done with it: to inspect the traffic. */
  message: [message: Message];
}

/** Tells listeners of an event; whether there were any. */
export type EmitEvent = <K extends keyof ParentEvents>(event: K, ...args: ParentEvents[K]) => boolean;

/** Makes what a listener throws an uncaught exception, as Node has it, but later: the parent itself must go on. */
export function emitSafely(emit: EmitEvent): EmitEvent {
  return (event, ...args) => {
    try {
      return emit(event, ...args);
    } catch (error) {
      rethrowLater(error);
      return true;
    }
  };
}
