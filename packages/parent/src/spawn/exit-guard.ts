// Leaves no worker behind when this process ends without stop(): by an uncaught exception, process.exit or a signal.
// (After SIGKILL nothing runs any more; then the child notices by itself, see child/src/parent-watch.ts.)

import type { WorkerProcess } from "./worker-process.js";

/** Signals whose default is to end this process without its `exit` event. */
const FATAL_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * The processes to take along. Module-wide on purpose: one listener for each event serves any number of parents, where
 * one for each parent would run into Node's warning of a listener leak.
 */
const guarded = new Set<WorkerProcess>();

/** Kills this worker when this process ends, until it is unguarded. */
export function guard(worker: WorkerProcess): void {
  if (guarded.size === 0) {
    process.on("exit", killAll);
    for (const signal of FATAL_SIGNALS) {
      process.on(signal, onSignal);
    }
  }
  guarded.add(worker);
}

/** The worker has ended: nothing is left to take along. */
export function unguard(worker: WorkerProcess): void {
  if (guarded.delete(worker) && guarded.size === 0) {
    process.off("exit", killAll);
    for (const signal of FATAL_SIGNALS) {
      process.off(signal, onSignal);
    }
  }
}

/** How many worker processes this process has running. */
export function guardedCount(): number {
  return guarded.size;
}

function killAll(): void {
  for (const worker of guarded) {
    worker.kill("SIGKILL");
  }
}

/**
 * Where nobody else listens, the signal would have ended this process, so it does, and takes the workers along. Where
 * somebody does, it is theirs to decide, and the `exit` event follows if they end the process.
 */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) {
    return;
  }
  killAll();
  process.off(signal, onSignal);
  process.kill(process.pid, signal);
}
