// A running worker keeps the process alive. A script that is finished but forgot stop() just hangs; this says why, once,
// when only workers are left in the process.

import { Socket } from "node:net";
import type { EventLog } from "@multifrost/reliability";
import { guardedCount } from "../process/exit-guard.js";

/** Time between two looks, in milliseconds. */
const LOOK_INTERVAL_MS = 2_000;

/** Handles a worker process has in its parent: the process, and a pipe each for stdout and stderr. */
const HANDLES_PER_WORKER = 3;

/** Handles of worker processes and of this process's own streams. ZeroMQ's connections are not listed by Node. */
const WORKER_HANDLES: ReadonlySet<string> = new Set(["ProcessWrap", "PipeWrap", "TTYWrap"]);

/** The calls of every parent in this process, whichever copy of this package it uses. */
const KEY: unique symbol = Symbol.for("multifrost.pendingCalls");

/** The calls of one parent. */
interface PendingCount {
  readonly size: number;
}

/** Watches until `stop`, or until it has logged `process_held`. Does not keep the process alive. */
export function watchForgottenStop(pending: PendingCount, workerName: string, events: EventLog): { stop(): void } {
  const allCalls = sharedCalls();
  allCalls.add(pending);
  let quietLooks = 0;
  const looking = setInterval(() => {
    const noCallWaits = [...allCalls].every(({ size }) => size === 0);
    quietLooks = noCallWaits && onlyWorkersAreAlive() ? quietLooks + 1 : 0;
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
      allCalls.delete(pending);
    },
  };
}

function sharedCalls(): Set<PendingCount> {
  const holder = process as { [KEY]?: Set<PendingCount> };
  holder[KEY] ??= new Set();
  return holder[KEY];
}

/**
 * Node lists this process's own stdout and stderr where they are pipes or terminals, although they keep nothing alive.
 * A stdin that is read counts: it may bring more work.
 */
function onlyWorkersAreAlive(): boolean {
  const ownStreams = [process.stdout, process.stderr].filter((stream) => stream instanceof Socket).length;
  const handles = process.getActiveResourcesInfo();
  return (
    handles.length <= guardedCount() * HANDLES_PER_WORKER + ownStreams &&
    handles.every((handle) => WORKER_HANDLES.has(handle))
  );
}
