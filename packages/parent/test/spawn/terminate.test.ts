import type { ExitDetails } from "@multifrost/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { terminate } from "../../src/spawn/terminate.js";
import type { WorkerProcess } from "../../src/spawn/worker-process.js";

const exit: ExitDetails = { exitCode: 0, signal: null, stderrTail: "", command: "node worker.mjs" };

/** A process that ends at this signal, or at none of them. */
function processEndingAt(deadly: NodeJS.Signals | undefined) {
  let end: (exit: ExitDetails) => void = () => {};
  const exited = new Promise<ExitDetails>((resolve) => {
    end = resolve;
  });
  const kill = vi.fn((signal: NodeJS.Signals) => signal === deadly && end(exit));
  return { worker: { exited, kill } as unknown as WorkerProcess, kill, end: () => end(exit) };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("terminate", () => {
  it("sends no signal to a process that ends by itself within 1 s of being asked", async () => {
    const { worker, kill, end } = processEndingAt(undefined);
    const terminated = terminate(worker, true);
    await vi.advanceTimersByTimeAsync(999);
    end();
    expect(await terminated).toBe(exit);
    expect(kill).not.toHaveBeenCalled();
  });

  it("[LIFE-2] sends SIGTERM after 1 s to one that was asked, and at once to one that was not", async () => {
    const asked = processEndingAt("SIGTERM");
    const terminated = terminate(asked.worker, true);
    await vi.advanceTimersByTimeAsync(999);
    expect(asked.kill).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await terminated;
    expect(asked.kill.mock.calls).toEqual([["SIGTERM"]]);

    const unasked = processEndingAt("SIGTERM");
    await terminate(unasked.worker, false);
    expect(unasked.kill.mock.calls).toEqual([["SIGTERM"]]);
  });

  it("[LIFE-2] sends SIGKILL 2 s after SIGTERM, and waits for the end", async () => {
    const { worker, kill } = processEndingAt("SIGKILL");
    const terminated = terminate(worker, false);
    await vi.advanceTimersByTimeAsync(1999);
    expect(kill.mock.calls).toEqual([["SIGTERM"]]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await terminated).toBe(exit);
    expect(kill.mock.calls).toEqual([["SIGTERM"], ["SIGKILL"]]);
  });

  it("leaves no timer behind", async () => {
    const { worker, end } = processEndingAt(undefined);
    const terminated = terminate(worker, true);
    end();
    await terminated;
    expect(vi.getTimerCount()).toBe(0);
  });
});
