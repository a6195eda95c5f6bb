// However the parent's process ends, its workers end with it. Each case is a real parent script.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gone, isAlive, type Running, run, runIn, said, watched } from "../support/processes.js";
import { until } from "../support/until.js";

/** A worker that ends neither at a signal nor by noticing that its parent is gone: only SIGKILL ends it. */
const STUBBORN = "ignores-sigterm.mjs";

const UNSHARE = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];

/** Whether this machine lets us make PID namespaces. */
function canUnshare(): boolean {
  return spawnSync("unshare", [...UNSHARE, "true"]).status === 0;
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
}

/** Starts a parent script that has a worker running; both pids. */
async function parentWithWorker(...args: string[]): Promise<{ parent: Running; workerPid: number }> {
  const parent = run("parents/ends-in-some-way.mjs", { args });
  const workerPid = watched(Number(await said(parent, /^worker (\d+)\n/m)));
  return { parent, workerPid };
}

describe("[LIFE-6] a parent that ends without stop() leaves no worker", () => {
  it("by an uncaught exception", async () => {
    const { parent, workerPid } = await parentWithWorker("throws", STUBBORN);
    expect(await parent.ended).toEqual({ code: 1, signal: null });
    expect(parent.out.stderr).toContain("Error: thrown on purpose");
    await gone(workerPid);
  });

  it("by process.exit, with its exit code", async () => {
    const { parent, workerPid } = await parentWithWorker("exits", STUBBORN);
    expect(await parent.ended).toEqual({ code: 9, signal: null });
    await gone(workerPid);
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"] as const)("by %s, and ends by that signal", async (signal) => {
    const { parent, workerPid } = await parentWithWorker("waits");
    process.kill(parent.pid, signal);
    expect(await parent.ended).toEqual({ code: null, signal });
    await gone(workerPid);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("by %s, also a worker that ignores signals", async (signal) => {
    const { parent, workerPid } = await parentWithWorker("waits", STUBBORN);
    process.kill(parent.pid, signal);
    expect(await parent.ended).toEqual({ code: null, signal });
    await gone(workerPid);
  });

  it("by process.exit in the turn in which the worker's process was started", async () => {
    const parent = run("parents/ends-in-some-way.mjs", { args: ["exits-at-spawn", "never-connects.mjs"] });
    expect(await parent.ended).toMatchObject({ code: 9 });
    await gone(watched(Number(await said(parent, /^worker (\d+)\n/m))));
  });
});

const CODES = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const;

describe("a parent that is the first process of a container, which signals without a handler do not end", () => {
  it.each(CODES)("%s ends its worker, then itself with exit code %i", async (signal, code) => {
    const { parent, workerPid } = await parentWithWorker("as-pid-1", STUBBORN);
    process.kill(parent.pid, signal);
    expect(await parent.ended).toEqual({ code, signal: null });
    await gone(workerPid);
  });

  it("a user's signal handler decides", async () => {
    const { parent, workerPid } = await parentWithWorker("as-pid-1-handles-sigint");
    process.kill(parent.pid, "SIGINT");
    await said(parent, /handled, (3)\n/);
    expect(isAlive(workerPid)).toBe(true);
    process.kill(parent.pid, "SIGTERM");
    expect(await parent.ended).toEqual({ code: 143, signal: null });
    await gone(workerPid);
  });

  it("also while no worker runs, as during a restart", async () => {
    const { parent } = await parentWithWorker("as-pid-1-stopped");
    await said(parent, /(stopped)\n/);
    process.kill(parent.pid, "SIGTERM");
    expect(await parent.ended).toEqual({ code: 143, signal: null });
  });

  it.runIf(canUnshare()).each(CODES)("%s in a PID namespace: exit code %i", async (signal, code) => {
    const unshare = runIn("unshare", [...UNSHARE, process.execPath], "parents/ends-in-some-way.mjs", [
      "waits",
      STUBBORN,
    ]);
    expect(await said(unshare, /^worker (\d+)\n/m)).not.toBe("");
    const [first = 0] = childrenOf(unshare.pid);
    const [worker = 0] = childrenOf(first);
    expect([isAlive(first), isAlive(watched(worker))]).toEqual([true, true]);
    process.kill(watched(first), signal);
    expect(await unshare.ended).toEqual({ code, signal: null });
    await gone(worker);
  });
});

describe("signals that other listeners handle too", () => {
  it("a user's signal handler decides: the parent and its worker go on", async () => {
    const { parent, workerPid } = await parentWithWorker("handles-sigint");
    process.kill(parent.pid, "SIGINT");
    await said(parent, /handled, (3)\n/);
    expect(isAlive(parent.pid)).toBe(true);
    expect(isAlive(workerPid)).toBe(true);
    process.kill(parent.pid, "SIGTERM");
    expect(await parent.ended).toEqual({ code: null, signal: "SIGTERM" });
    await gone(workerPid);
  });

  it.each(["signal-exit-3-before", "signal-exit-3-after", "signal-exit-4-before", "signal-exit-4-after"])(
    "listeners that end the process only where they are alone (%s) do not wait for ours, nor ours for them",
    async (way) => {
      const { parent, workerPid } = await parentWithWorker(way);
      process.kill(parent.pid, "SIGTERM");
      expect(await parent.ended).toEqual({ code: null, signal: "SIGTERM" });
      expect(parent.out.stdout).toContain("its own exit handler ran");
      await gone(workerPid);
    },
  );

  it("two copies of the package in one process do not wait for each other", async () => {
    const { parent, workerPid } = await parentWithWorker("two-copies");
    const other = watched(Number(await said(parent, /other worker (\d+)\n/)));
    process.kill(parent.pid, "SIGINT");
    expect(await parent.ended).toEqual({ code: null, signal: "SIGINT" });
    await gone(workerPid);
    await gone(other);
  });

  it("any number of workers add one listener to each event of the process, and none once they have ended", async () => {
    const parent = run("parents/counts-listeners.mjs");
    expect(await parent.ended).toEqual({ code: 0, signal: null });
    const { before, with12, after } = JSON.parse(parent.out.stdout);
    expect({ with12: with12 - before, after: after - before }).toEqual({ with12: 4, after: 0 });
    expect(parent.out.stderr).toBe("");
  });
});

it("[LIFE-3] a worker whose parent was killed by SIGKILL ends within a few seconds", async () => {
  const { parent, workerPid } = await parentWithWorker("waits");
  process.kill(parent.pid, "SIGKILL");
  const before = performance.now();
  await until(() => !isAlive(workerPid));
  expect(performance.now() - before).toBeLessThan(10_000);
});
