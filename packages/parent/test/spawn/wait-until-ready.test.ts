import { type ExitDetails, SpawnError } from "@multifrost/protocol";
import { describe, expect, it } from "vitest";
import { describeExit, waitUntilReady } from "../../src/spawn/wait-until-ready.js";
import type { WorkerProcess } from "../../src/spawn/worker-process.js";
import { errorOf } from "../support/until.js";

const never = new Promise<never>(() => {});
const { signal } = new AbortController();

function workerWith(exited: Promise<ExitDetails>, stderrTail = ""): WorkerProcess {
  return { exited, command: "node worker.mjs", stderrTail: () => stderrTail } as unknown as WorkerProcess;
}

describe("waiting for the first connection", () => {
  it("resolves when the worker is connected", async () => {
    await waitUntilReady(workerWith(never), Promise.resolve(), 1000, signal);
  });

  it("rejects when the process ends first, with how and what it said", async () => {
    const exit = { exitCode: 1, signal: null, stderrTail: "SyntaxError: x", command: "node worker.mjs" };
    const error = await errorOf<SpawnError>(waitUntilReady(workerWith(Promise.resolve(exit)), never, 1000, signal));
    expect(error).toBeInstanceOf(SpawnError);
    expect(error).toMatchObject({ code: "EXITED_EARLY", ...exit });
    expect(error.message).toBe(
      "The worker ended before it could be reached (exit code 1): node worker.mjs\nThe last it wrote to stderr:\nSyntaxError: x",
    );
  });

  it("has a hint for one that ended without a word", async () => {
    const exit = { exitCode: 0, signal: null, stderrTail: "", command: "node worker.mjs" };
    const error = await errorOf(waitUntilReady(workerWith(Promise.resolve(exit)), never, 1000, signal));
    expect(error.message).toBe(
      "The worker ended before it could be reached (exit code 0): node worker.mjs\n" +
        "It wrote nothing to stderr. Check that the script ends with `new MyWorker().run()`.",
    );
  });

  it("rejects when it takes too long", async () => {
    const error = await errorOf<SpawnError>(waitUntilReady(workerWith(never, "loading"), never, 5, signal));
    expect(error).toMatchObject({
      code: "START_TIMEOUT",
      exitCode: null,
      signal: null,
      stderrTail: "loading",
      command: "node worker.mjs",
    });
    expect(error.message).toBe(
      "The worker did not connect within 5 ms (startTimeout) and was ended: node worker.mjs\n" +
        "Check that the script calls `new MyWorker().run()`; a slow start needs a larger startTimeout.\n" +
        "The last it wrote to stderr:\nloading",
    );
  });

  it("rejects with the signal's reason when that fires", async () => {
    const reason = new Error("stopped");
    expect(await errorOf(waitUntilReady(workerWith(never), never, 1000, AbortSignal.abort(reason)))).toBe(reason);
  });
});

it("an exit is told by its code, its signal, or as none", () => {
  const rest = { stderrTail: "", command: "" };
  expect(describeExit({ exitCode: 7, signal: null, ...rest })).toBe("exit code 7");
  expect(describeExit({ exitCode: null, signal: "SIGSEGV", ...rest })).toBe("signal SIGSEGV");
  expect(describeExit({ exitCode: null, signal: null, ...rest })).toBe("it could not be started");
});
