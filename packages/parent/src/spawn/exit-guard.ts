// Leaves no worker behind when this process ends without stop(): by an uncaught exception, process.exit or a signal.
// (After SIGKILL nothing runs any more; then the child notices by itself, see child/src/parent-watch.ts.)

/** Signals whose default is to end this process without its `exit` event. */
const FATAL_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * One guard for the process, whatever number of parents and of copies of this package there is: a listener for each
 * parent would run into Node's warning of a leak, and two copies would each leave a signal to the other.
 */
const KEY: unique symbol = Symbol.for("multifrost.exitGuard");

/** What is guarded: a worker's process. */
export interface Guarded {
  kill(signal: NodeJS.Signals): void;
}

interface ExitGuard {
  readonly workers: Set<Guarded>;
  onExit(): void;
  onSignal(signal: NodeJS.Signals): void;
}

/** Kills this worker when this process ends, until it is unguarded. */
export function guard(worker: Guarded): void {
  const { workers, onExit, onSignal } = theGuard();
  if (workers.size === 0) {
    process.on("exit", onExit);
    for (const signal of FATAL_SIGNALS) {
      process.on(signal, onSignal);
    }
  }
  workers.add(worker);
}

/** The worker has ended: nothing is left to take along. */
export function unguard(worker: Guarded): void {
  const { workers, onExit, onSignal } = theGuard();
  if (workers.delete(worker) && workers.size === 0) {
    process.off("exit", onExit);
    for (const signal of FATAL_SIGNALS) {
      process.off(signal, onSignal);
    }
  }
}

/** How many worker processes this process has running. */
export function guardedCount(): number {
  return theGuard().workers.size;
}

function theGuard(): ExitGuard {
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
   * Where nobody else listens, the signal would have ended this process, so it does, and takes the workers along. Where
   * somebody does, it is theirs to decide, and the `exit` event follows if they end the process.
   */
  const onSignal = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) - 1 > undecidedListeners()) {
      return;
    }
    onExit();
    process.off(signal, onSignal);
    process.kill(process.pid, signal);
  };
  return { workers, onExit, onSignal };
}

/**
 * Listeners that end the process only where they are alone, as ours does: those of `signal-exit`, in both its
 * generations, which half of all command-line tools and our own file locks bring along. Each would wait for the other.
 */
function undecidedListeners(): number {
  const older = (process as { __signal_exit_emitter__?: { count?: unknown } }).__signal_exit_emitter__;
  const newer = (globalThis as { [key: symbol]: { count?: unknown } | undefined })[Symbol.for("signal-exit emitter")];
  return [older, newer].reduce((sum, emitter) => sum + (typeof emitter?.count === "number" ? emitter.count : 0), 0);
}
