// How a process is made to end, with a process that the test plays by hand and time that it moves.

import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WorkerProcess } from "../../src/process/worker-process.js";

const spawn = vi.hoisted(() => vi.fn());
vi.mock("node:child_process", () => ({ spawn }));

const plan = { program: "node", args: ["worker.mjs"], cwd: "/", shell: false, env: {}, command: "node worker.mjs" };

/** A process that ends at this signal, or at no signal. */
async function processEndingAt(deadly: NodeJS.Signals | undefined) {
  const child = Object.assign(new EventEmitter(), {
    pid: 123_456_789,
    exitCode: null as number | null,
    signalCode: null as string | null,
    stdout: new PassThrough(),
    stderr: new PassThrough(),
  });
  const end = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
    child.exitCode = exitCode;
    child.signalCode = signal;
    child.emit("exit", exitCode, signal);
    child.emit("close", exitCode, signal);
  };
  const signals: string[] = [];
  vi.spyOn(process, "kill").mockImplementation((pid, signal) => {
    expect(pid).toBe(-child.pid);
    if (child.exitCode === null && child.signalCode === null) {
      signals.push(String(signal));
      if (deadly !== undefined && signal === deadly) {
        end(null, deadly);
      }
    }
    return true;
  });
  spawn.mockReturnValue(child);
  process.nextTick(() => child.emit("spawn"));
  const worker = await WorkerProcess.start(plan, {}, () => {});
  return { worker, signals, exits: () => end(0, null) };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("terminate()", () => {
  it("sends no signal to a process that exits within 1 s of being asked", async () => {
    const { worker, signals, exits } = await processEndingAt(undefined);
    const terminated = worker.terminate(true);
    await vi.advanceTimersByTimeAsync(999);
    exits();
    await terminated;
    expect(signals).toEqual([]);
  });

  it("[LIFE-2] sends SIGTERM after 1 s to one that was asked, and at once to one that was not", async () => {
    const asked = await processEndingAt("SIGTERM");
    const terminated = asked.worker.terminate(true);
    await vi.advanceTimersByTimeAsync(999);
    expect(asked.signals).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await terminated;
    expect(asked.signals).toEqual(["SIGTERM"]);

    const unasked = await processEndingAt("SIGTERM");
    await unasked.worker.terminate(false);
    expect(unasked.signals).toEqual(["SIGTERM"]);
  });

  it("[LIFE-2] sends SIGKILL 2 s after SIGTERM, and waits for the end", async () => {
    const { worker, signals } = await processEndingAt("SIGKILL");
    const terminated = worker.terminate(false);
    await vi.advanceTimersByTimeAsync(1999);
    expect(signals).toEqual(["SIGTERM"]);
    await vi.advanceTimersByTimeAsync(1);
    await terminated;
    expect(signals).toEqual(["SIGTERM", "SIGKILL"]);
  });

  it("leaves no timer behind", async () => {
    const { worker, exits } = await processEndingAt(undefined);
    const terminated = worker.terminate(true);
    exits();
    await terminated;
    expect(vi.getTimerCount()).toBe(0);
  });
});
