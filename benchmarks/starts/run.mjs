// `pnpm bench:starts`: how promptly start() settles, after the worker could be reached, and after a script that is none has exited. These are
// times and not ratios: what is measured is what the library adds, not how fast the machine starts a process.

import assert from "node:assert/strict";
import { ParentWorker } from "multifrost";
import { spread } from "../suite/quantiles.mjs";

/** Starts of each kind. */
const TIMES = 5;

print("start() resolves after the worker is reachable", 50, await resolvesAfterReachable(TIMES));
print("start() rejects after the script has exited", 100, await rejectsAfterExit(TIMES));

function print(title, limit, { median, min, max }) {
  const figures = `${median.toFixed(1)} ms (${min.toFixed(1)} – ${max.toFixed(1)})`;
  console.log(`${title}: ${figures}, at most ${limit} ms: ${median > limit ? "MISS" : "pass"}`);
}

/** Milliseconds from the worker being reachable to `start()` resolving, for so many starts. */
async function resolvesAfterReachable(times) {
  return measured(times, async () => {
    const worker = ParentWorker.spawn(new URL("./tells-when-reachable.mjs", import.meta.url));
    try {
      await worker.start();
      const resolvedAt = now();
      return resolvedAt - (await worker.call.reachableAt());
    } finally {
      await worker.stop();
    }
  });
}

/** Milliseconds from the script's exit to `start()` rejecting, for so many starts. */
async function rejectsAfterExit(times) {
  return measured(times, async () => {
    const worker = ParentWorker.spawn(new URL("./exits-and-says-when.mjs", import.meta.url));
    // Its words are in the error, and need not be printed.
    worker.on("stderr", () => {});
    const error = await worker.start().catch((thrown) => thrown);
    const rejectedAt = now();
    assert.equal(error.exitCode, 7);
    return rejectedAt - Number(error.stderrTail);
  });
}

async function measured(times, measureOnce) {
  const figures = [];
  for (let time = 0; time < times; time++) {
    figures.push(await measureOnce());
  }
  return spread(figures);
}

function now() {
  return performance.timeOrigin + performance.now();
}
