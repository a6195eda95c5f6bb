import { existsSync } from "node:fs";
import { join } from "node:path";
import { ProcessFaults } from "@multifrost/testing";
import { ParentWorker, type SpawnOptions } from "multifrost";
import { expect, it, vi } from "vitest";

const SCRIPT = join(import.meta.dirname, "fixtures/math-worker.mjs");

interface Math {
  add(a: number, b: number): number;
  never(): Promise<void>;
}

const spawn = (executable: string | string[], options: SpawnOptions = {}): ParentWorker<Math> =>
  ParentWorker.spawn<Math>(SCRIPT, executable, { logger: false, restartBackoff: 0, ...options });

it("starts that crash first end in a worker that runs; the files of the plan are removed", async () => {
  const faults = new ProcessFaults({ seed: 1, firstCrashes: 2 });
  const command = faults.launch(process.execPath);
  const folder = command[4] as string;
  const worker = spawn(command);
  await expect(worker.start()).rejects.toMatchObject({ code: "EXITED_EARLY", message: expect.stringContaining("70") });
  await expect(worker.start()).rejects.toMatchObject({ code: "EXITED_EARLY" });
  await worker.start();
  expect(await worker.call.add(1, 2)).toBe(3);
  await worker.stop();
  expect(existsSync(folder)).toBe(true);
  faults[Symbol.dispose]();
  expect(existsSync(folder)).toBe(false);
});

it("crashes and slow starts follow from the seed, and calls wait for the restart that succeeds", async () => {
  using faults = new ProcessFaults({ seed: 3, crashes: 0.4, slowStartMs: 30 });
  await using worker = spawn(faults.launch(process.execPath), { autoRestart: true, maxRestartAttempts: 50 });
  // The first start of this seed runs.
  await worker.start();
  const states: string[] = [];
  worker.on("state", (state) => states.push(state));
  for (let kill = 0; kill < 3; kill += 1) {
    const { pid } = worker;
    expect(faults.kill(worker)).toBe(true);
    await vi.waitUntil(() => worker.state === "running" && worker.pid !== pid, 50_000);
    expect(await worker.call.add(kill, 1)).toBe(kill + 1);
  }
  expect(states).toContain("restarting");
});

it("a worker that is killed during calls rejects them; the moment follows from the seed", async () => {
  const faults = new ProcessFaults({ seed: 5 });
  await using worker = spawn(process.execPath);
  await worker.start();
  const outcomes = await faults.killDuring(worker, 20, () => [worker.call.never(), worker.call.never()]);
  expect(outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason.code)).toEqual([
    "WORKER_EXITED",
    "WORKER_EXITED",
  ]);
  expect(new ProcessFaults({ seed: 5 }).moment(20)).toBe(new ProcessFaults({ seed: 5 }).moment(20));
  await worker.stop();
  expect(faults.kill(worker)).toBe(false);
  expect(await faults.suspend(worker, 1)).toBe(false);
});

it("calls made while a worker is suspended are answered afterwards", async () => {
  const faults = new ProcessFaults({ seed: 5 });
  await using worker = spawn(process.execPath);
  await worker.start();
  const suspended = faults.suspend(worker, 50);
  const sum = worker.call.add(1, 2);
  expect(await suspended).toBe(true);
  expect(await sum).toBe(3);
});

it("options are checked", () => {
  expect(() => new ProcessFaults({ seed: 1, crashes: 1.1 })).toThrow(/^crashes must be a number from 0 to 1/);
  expect(() => new ProcessFaults({ seed: 1, slowStart: 5 } as never)).toThrow(
    /Did you mean slowStartMs\?$|It has seed/,
  );
});
