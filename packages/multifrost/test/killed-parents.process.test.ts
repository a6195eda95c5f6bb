// A parent that is killed while its Python worker computes in C, with Python's lock, so that no code of the worker runs.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { atEnd, hasPython } from "./workers.js";

const PARENT = fileURLToPath(new URL("./fixtures/parent-of-busy-python.mjs", import.meta.url));

it.runIf(hasPython)("[LIFE-3] a Python worker that stays in C ends with its parent", async () => {
  const parent = spawn(process.execPath, [PARENT], { stdio: ["ignore", "pipe", "inherit"] });
  atEnd(() => void parent.kill("SIGKILL"));
  const [line] = await once(parent.stdout.setEncoding("utf8"), "data");
  const worker = Number(line);
  atEnd(() => {
    if (runs(worker)) {
      process.kill(worker, "SIGKILL");
    }
  });
  expect(runs(worker)).toBe(true);
  parent.kill("SIGKILL");
  await expect.poll(() => runs(worker), { timeout: 15_000 }).toBe(false);
});

/** Whether a process runs. One that was not waited for by its parent does not. */
function runs(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", `${pid}`], { encoding: "utf8" });
  return /^[^Z\s]/.test(stdout);
}
