// Between the start of a process and its first connection: whichever comes first, and no fixed delay.
// Next: prove-reachable.ts.

import { type ExitDetails, SpawnError } from "@multifrost/protocol";
import { withLimit } from "@multifrost/protocol/internal";
import type { WorkerProcess } from "./worker-process.js";

/**
 * Resolves when the worker is connected. Rejects with `SpawnError`: `EXITED_EARLY` with how it ended and what it said,
 * `START_TIMEOUT` when it is too late; with the signal's reason when that fires.
 */
export async function waitUntilReady(
  worker: WorkerProcess,
  connected: Promise<void>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const exited = worker.exited.then((exit) => {
    throw exitedEarly(exit);
  });
  const tooLate = (): never => {
    throw startedTooLate(worker, timeoutMs);
  };
  await withLimit(Promise.race([connected, exited]), timeoutMs, tooLate, signal);
}

/** The error for a worker that ended before it could be reached. */
export function exitedEarly(exit: ExitDetails): SpawnError {
  const message =
    `The worker ended before it could be reached (${describeExit(exit)}): ${exit.command}\n` +
    (exit.stderrTail === ""
      ? "It wrote nothing to stderr. Check that the script ends with `new MyWorker().run()`."
      : `The last it wrote to stderr:\n${exit.stderrTail}`);
  return new SpawnError("EXITED_EARLY", message, exit);
}

/** The error for a worker that runs and cannot be reached. */
export function startedTooLate({ command, stderrTail }: WorkerProcess, timeoutMs: number): SpawnError {
  const tail = stderrTail();
  const message =
    `The worker did not connect within ${timeoutMs} ms (startTimeout) and was ended: ${command}\n` +
    "Check that the script calls `new MyWorker().run()`; a slow start needs a larger startTimeout." +
    (tail === "" ? "" : `\nThe last it wrote to stderr:\n${tail}`);
  return new SpawnError("START_TIMEOUT", message, { exitCode: null, signal: null, stderrTail: tail, command });
}

/** `exit code 1`, `signal SIGKILL`; `it could not be started` where it never ran. */
export function describeExit({ exitCode, signal }: ExitDetails): string {
  if (signal !== null) {
    return `signal ${signal}`;
  }
  return exitCode === null ? "it could not be started" : `exit code ${exitCode}`;
}
