// For a script that forgets stop(): a running worker keeps the process alive, and without a word of it a finished script
// that hangs is a riddle. Says so once, when nothing but workers is left in the process.

import { Socket } from "node:net";
import type { EventLog } from "@multifrost/reliability";
import type { PendingCalls } from "../call/pending-calls.js";
import { guardedCount } from "../spawn/exit-guard.js";

/** How often it is looked at, in milliseconds. */
const LOOK_INTERVAL_MS = 2_000;

/** Handles a worker process has in its parent: the process, and one pipe each for stdout and stderr. */
const HANDLES_PER_WORKER = 3;

/** Handles that belong to a worker's process or to this process's own streams. Connections over ZeroMQ are not listed. */
const WORKER_HANDLES: ReadonlySet<string> = new Set(["ProcessWrap", "PipeWrap", "TTYWrap"]);

/** Every parent's calls, whatever number of parents and of copies of this package there is. */
const KEY: unique symbol = Symbol.for("multifrost.pendingCalls");

/** The calls of one parent. */
type Calls = Pick<PendingCalls, "size">;

/** Watches until `stop`, or until it has spoken. Does not keep the process alive itself. */
export function watchHeld(pending: Calls, workerName: string, events: EventLog): { stop(): void } {
  const everyCall = everyParentsCalls();
  everyCall.add(pending);
  let quietLooks = 0;
  const looking = setInterval(() => {
    const noneWaits = [...everyCall].every(({ size }) => size === 0);
    quietLooks = noneWaits && nothingElseIsAlive() ? quietLooks + 1 : 0;
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
      everyCall.delete(pending);
    },
  };
}

function everyParentsCalls(): Set<Calls> {
  const holder = process as { [KEY]?: Set<Calls> };
  holder[KEY] ??= new Set();
  return holder[KEY];
}

/**
 * Node lists this process's own stdout and stderr where they are pipes or terminals, although they keep nothing alive.
 * A stdin that is read counts: it may bring more work.
 */
function nothingElseIsAlive(): boolean {
  const ownStreams = [process.stdout, process.stderr].filter((stream) => stream instanceof Socket).length;
  const handles = process.getActiveResourcesInfo();
  return (
    handles.length <= guardedCount() * HANDLES_PER_WORKER + ownStreams &&
    handles.every((handle) => WORKER_HANDLES.has(handle))
  );
}
