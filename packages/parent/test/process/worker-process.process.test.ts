// A process by itself, without a connection: its start, its output, its end.

import type { ExitDetails } from "@multifrost/protocol/errors";
import { describe, expect, it, onTestFinished } from "vitest";
import { planLaunch } from "../../src/process/launch-plan.js";
import { WorkerProcess } from "../../src/process/worker-process.js";
import { fixture, gone, isAlive } from "../support/processes.js";
import { until } from "../support/until.js";

async function started(name: string) {
  const lines: string[] = [];
  const plan = planLaunch(fixture(name), undefined, {});
  const worker = await WorkerProcess.start(plan, {}, (stream, line) => lines.push(`${stream}: ${line}`));
  onTestFinished(async () => {
    worker.kill("SIGKILL");
    await worker.exited;
  });
  return { worker, lines };
}

describe("a worker's process", () => {
  it("starts with a pid and a readable command", async () => {
    const { worker } = await started("never-connects.mjs");
    expect(isAlive(worker.pid ?? 0)).toBe(true);
    expect(worker.command).toBe(`${process.execPath} ${fixture("never-connects.mjs")}`);
  });

  it("gives its output line by line", async () => {
    const { lines } = await started("never-connects.mjs");
    await until(() => lines.length === 1);
    expect(lines).toEqual(["stderr: waiting for something else"]);
  });

  it("exits with code, signal and the tail of stderr, after all its output was read", async () => {
    const { worker, lines } = await started("writes-much-then-exits.mjs");
    const exit = await worker.exited;
    expect(exit).toMatchObject({ exitCode: 1, signal: null, command: worker.command });
    expect(lines).toHaveLength(2001);
    expect(lines.at(-1)).toBe("stderr: ünfinished");
    expect(exit.stderrTail.endsWith("line 1999\nünfinished")).toBe(true);
  });

  it("a signal ends it; a second one, when it has ended, has no effect", async () => {
    const { worker } = await started("never-connects.mjs");
    worker.kill("SIGTERM");
    const exit: ExitDetails = await worker.exited;
    expect(exit).toMatchObject({ exitCode: null, signal: "SIGTERM" });
    worker.kill("SIGKILL");
    expect(await worker.exited).toBe(exit);
  });

  it("its exit is reported although a daemon it started holds the pipes open", async () => {
    const { worker } = await started("leaves-a-daemon.mjs");
    const exit = await worker.exited;
    const daemon = Number(/daemon (\d+)/.exec(exit.stderrTail)?.[1]);
    onTestFinished(async () => {
      process.kill(daemon, "SIGKILL");
      await gone(daemon);
    });
    expect(exit.exitCode).toBe(4);
    // It has left the group on purpose, as daemons do: it is not ours to end.
    expect(isAlive(daemon)).toBe(true);
  });
});
