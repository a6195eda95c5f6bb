// Leaves no worker behind when this process ends without stop(): by an uncaught exception, process.exit or a signal.
// After SIGKILL nothing runs here any more; then the child notices by itself.

import { constants } from "node:os";

/** Signals that end this process by default, without its `exit` event. */
const FATAL_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * One guard for the whole process, however many parents and copies of this package there are. A listener per parent
 * would trigger Node's leak warning, and two copies would each leave a signal to the other.
 */
const KEY: unique symbol = Symbol.for("multifrost.exitGuard");

/** A worker's process that must not outlive this one. */
export interface Guarded {
  kill(signal: NodeJS.Signals): void;
}

interface ExitGuard {
  readonly workers: Set<Guarded>;
  isListening: boolean;
  onExit(): void;
  onSignal(signal: NodeJS.Signals): void;
}

/** Kills this worker when this process ends, until `unguard`. */
export function guard(worker: Guarded): void {
  const shared = sharedGuard();
  const { workers, onExit, onSignal } = shared;
  if (!shared.isListening) {
    shared.isListening = true;
    process.on("exit", onExit);
    for (const signal of FATAL_SIGNALS) {
      process.on(signal, onSignal);
    }
  }
  workers.add(worker);
}

/** The worker has ended. */
export function unguard(worker: Guarded): void {
  const shared = sharedGuard();
  const { workers, onExit, onSignal } = shared;
  // As the first process of a container it listens on: also while a worker is being restarted a signal must end it.
  if (workers.delete(worker) && workers.size === 0 && process.pid !== 1) {
    shared.isListening = false;
    process.off("exit", onExit);
    for (const signal of FATAL_SIGNALS) {
      process.off(signal, onSignal);
    }
  }
}

/** How many worker processes this process has running. */
export function guardedCount(): number {
  return sharedGuard().workers.size;
}

function sharedGuard(): ExitGuard {
  const holder = process as { [KEY]?: ExitGuard };
  holder[KEY] ??= createGuard();
  return holder[KEY];
}

function createGuard(): ExitGuard {
  const workers = new Set<Guarded>();
  const onExit = (): void => {
    for (const worker of workers) {
      worker.kill("SIGKILL");
    }
  };
  /**
   * If no other listener decides about the signal, its default was to end this process: kills the workers and ends it.
   * Otherwise the other listener decides, and the `exit` event follows if it ends the process.
   */
  const onSignal = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) - 1 > undecidedListeners()) {
      return;
    }
    onExit();
    process.off(signal, onSignal);
    process.kill(process.pid, signal);
    if (process.pid === 1) {
      // The first process of a container: no signal ends it by default. As a shell says it, by 128 and the signal's number.
      process.exit(128 + constants.signals[signal]);
    }
  };
  return { workers, isListening: false, onExit, onSignal };
}

/**
 * Counts listeners that end the process only when they are alone, as ours does: those of `signal-exit` in both its
 * generations, which many command-line tools and our file locks load. Without this each would wait for the other.
 */
function undecidedListeners(): number {
  const older = (process as { __signal_exit_emitter__?: { count?: unknown } }).__signal_exit_emitter__;
  const newer = (globalThis as { [key: symbol]: { count?: unknown } | undefined })[Symbol.for("signal-exit emitter")];
  return [older, newer].reduce((sum, emitter) => sum + (typeof emitter?.count === "number" ? emitter.count : 0), 0);
}
