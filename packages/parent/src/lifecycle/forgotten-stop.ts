// A running worker keeps the process alive. A script that is finished but forgot stop() just hangs; this says why, once,
// when only workers are left in the process.

import { Socket } from "node:net";
import type { EventLog } from "@multifrost/reliability";
import { guardedCount } from "../process/exit-guard.js";

/** Time between two looks, in milliseconds. */
const LOOK_INTERVAL_MS = 2_000;

/** Handles a worker process has in its parent: the process, and a pipe each for stdout and stderr. */
const HANDLES_PER_WORKER = 3;

/** Handles of worker processes, of connections over Unix sockets, and of this process's own streams. */
const WORKER_HANDLES: ReadonlySet<string> = new Set(["ProcessWrap", "PipeWrap", "TTYWrap"]);

/** A connection over TCP. Those of the zeromq package are not listed by Node. */
const TCP_HANDLE = "TCPSocketWrap";

/** Every parent in this process that has a worker, whichever copy of this package it uses. */
const KEY: unique symbol = Symbol.for("multifrost.activeParents");

/** The calls of one parent. */
interface PendingCount {
  readonly size: number;
}

/** One parent that has a worker. */
interface ActiveParent {
  readonly pending: PendingCount;
  /** Whether Node lists its connection. */
  readonly isListed: boolean;
}

/**
 * Watches until `stop`, or until it has logged `process_held`. Does not keep the process alive.
 *
 * @param isListed Whether Node lists the connection to the worker among what keeps the process alive.
 */
export function watchForgottenStop(
  pending: PendingCount,
  isListed: boolean,
  workerName: string,
  events: EventLog,
): { stop(): void } {
  const parents = sharedParents();
  const parent: ActiveParent = { pending, isListed };
  parents.add(parent);
  let quietLooks = 0;
  const looking = setInterval(() => {
    const noCallWaits = [...parents].every((each) => each.pending.size === 0);
    const connections = [...parents].filter((each) => each.isListed).length;
    quietLooks = noCallWaits && onlyWorkersAreAlive(connections) ? quietLooks + 1 : 0;
    if (quietLooks === 2) {
      clearInterval(looking);
      events.emit("process_held", {
        message:
          `Nothing else is going on in this process, but the worker ${workerName} keeps it alive. ` +
          "Call `await worker.stop()` when you are done with it, or declare it with `await using`.",
      });
    }
  }, LOOK_INTERVAL_MS);
  looking.unref();
  return {
    stop() {
      clearInterval(looking);
      parents.delete(parent);
    },
  };
}

function sharedParents(): Set<ActiveParent> {
  const holder = process as { [KEY]?: Set<ActiveParent> };
  holder[KEY] ??= new Set();
  return holder[KEY];
}

/**
 * Node lists this process's own stdout and stderr where they are pipes or terminals, although they keep nothing alive.
 * A stdin that is read counts: it may bring more work.
 *
 * @param connections How many connections to workers Node lists.
 */
function onlyWorkersAreAlive(connections: number): boolean {
  const ownStreams = [process.stdout, process.stderr].filter((stream) => stream instanceof Socket).length;
  const handles = process.getActiveResourcesInfo();
  const overTcp = handles.filter((handle) => handle === TCP_HANDLE).length;
  return (
    handles.length <= guardedCount() * HANDLES_PER_WORKER + connections + ownStreams &&
    overTcp <= connections &&
    handles.every((handle) => handle === TCP_HANDLE || WORKER_HANDLES.has(handle))
  );
}
