// How a worker's process is made to end: asked, then told (SIGTERM), then killed. Next: shutdown.ts.

import type { ExitDetails } from "@multifrost/protocol";
import { withLimit } from "@multifrost/protocol/internal";
import type { WorkerProcess } from "./worker-process.js";

/** How long it may take to exit by itself after the shutdown message, in milliseconds. */
const EXIT_GRACE_MS = 1_000;

/** How long it may take to exit after SIGTERM, in milliseconds. */
const TERM_GRACE_MS = 2_000;

/** Resolves when the process has ended. `asked`: it was sent a shutdown message, and may end by itself. */
export async function terminate(worker: WorkerProcess, asked: boolean): Promise<ExitDetails> {
  if (asked && (await endedWithin(worker, EXIT_GRACE_MS))) {
    return worker.exited;
  }
  worker.kill("SIGTERM");
  if (!(await endedWithin(worker, TERM_GRACE_MS))) {
    worker.kill("SIGKILL");
  }
  return worker.exited;
}

function endedWithin(worker: WorkerProcess, limitMs: number): Promise<boolean> {
  return withLimit(
    worker.exited.then(() => true),
    limitMs,
    () => false,
  );
}
