// The end of a real process, asked for or not. Bringing it back: supervise.process.test.ts.

import { RemoteCallError, WorkerExitedError } from "@multifrost/protocol/errors";
import type { LogRecord } from "@multifrost/reliability";
import { describe, expect, it, vi } from "vitest";
import type { ParentState } from "../../src/index.js";
import { gone, isAlive, watched } from "../support/processes.js";
import { spawnFixture, startFixture } from "../support/spawned.js";
import { errorOf, until } from "../support/until.js";

describe("stop()", () => {
  it("[LIFE-2] ends the process in order: exit code 0, no signal, in little time", async () => {
    const worker = await startFixture();
    const pid = worker.pid as number;
    const exited = vi.fn();
    worker.on("exit", exited);
    await worker.stop();
    expect(isAlive(pid)).toBe(false);
    expect(exited).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ exitCode: 0, signal: null }));
    expect(worker.pid).toBeUndefined();
    expect(worker.state).toBe("stopped");
    expect(worker.isHealthy).toBe(false);
  });

  it("lets calls in flight finish, up to stopTimeout", async () => {
    const worker = await startFixture();
    const call = worker.call.later("finished", 200);
    await worker.stop();
    expect(await call).toBe("finished");
  });

  it("[LIFE-2] kills a worker that ignores the shutdown message and SIGTERM", async () => {
    const worker = await startFixture<{ pid(): number }>("ignores-sigterm.mjs");
    const pid = watched(await worker.call.pid());
    const exited = new Promise((resolve) => worker.once("exit", resolve));
    await worker.stop();
    expect(await exited).toMatchObject({ exitCode: null, signal: "SIGKILL" });
    expect(isAlive(pid)).toBe(false);
  });

  it("rejects at once what waits for a worker that dies meanwhile, and does not wait out stopTimeout", async () => {
    const worker = await startFixture("answers-calls.mjs", { stopTimeout: 60_000 });
    const call = errorOf(worker.call.hang());
    await worker.call.add(1, 1);
    const stopping = worker.stop();
    process.kill(worker.pid as number, "SIGKILL");
    expect(await call).toMatchObject({ code: "WORKER_EXITED", signal: "SIGKILL" });
    await stopping;
    expect(worker.state).toBe("stopped");
  });

  it("called by a listener of the exit wins: the worker is `stopped`, not `exited`", async () => {
    const worker = await startFixture();
    const states: ParentState[] = [];
    worker.on("state", (state) => {
      states.push(state);
      if (state === "exited") {
        void worker.stop();
      }
    });
    process.kill(worker.pid as number, "SIGKILL");
    await until(() => worker.state === "stopped");
    await worker.stop();
    expect(states).toEqual(["exited", "stopping", "stopped"]);
  });

  it("after an exit resolves when the socket is closed too", async () => {
    const worker = await startFixture();
    await errorOf(worker.call.exit(1));
    await worker.stop();
    expect(worker.state).toBe("stopped");
  });

  it("any number of starts and stops leave no listener on the process", async () => {
    const before = process.eventNames().map((name) => [name, process.listenerCount(name)]);
    for (let round = 0; round < 3; round++) {
      const worker = await startFixture();
      await worker.stop();
    }
    expect(process.eventNames().map((name) => [name, process.listenerCount(name)])).toEqual(before);
  });
});

describe("an unexpected exit", () => {
  it("[LIFE-6] [CALL-2] rejects pending calls at once with WorkerExitedError: signal, command", async () => {
    const worker = await startFixture("answers-calls.mjs", { name: "math" });
    const command = `${process.execPath} ${new URL("../fixtures/answers-calls.mjs", import.meta.url).pathname}`;
    const calls = [errorOf(worker.call.hang()), errorOf(worker.call.later(1, 60_000))];
    await worker.call.add(1, 1);
    const before = performance.now();
    process.kill(worker.pid as number, "SIGKILL");
    const [error] = await Promise.all(calls);
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(error).toBeInstanceOf(WorkerExitedError);
    expect(error).toBeInstanceOf(RemoteCallError);
    expect(error).toMatchObject({ exitCode: null, signal: "SIGKILL", functionName: "hang", command });
    expect(error?.message).toBe(
      `'hang' got no answer: math ended (signal SIGKILL): ${command}. ${(error as WorkerExitedError).hint} It wrote nothing to stderr.`,
    );
    expect(worker.state).toBe("exited");
    expect(worker.isHealthy).toBe(false);
  });

  it("[LIFE-6] [CALL-1] keeps answers that were sent before it, even if this process was busy meanwhile", async () => {
    const worker = await startFixture();
    const pid = worker.pid as number;
    const before = Array.from({ length: 3_000 }, (_, index) => worker.call.later(index, 500));
    const last = worker.call.answerAtTheEnd("bye", 500);
    const settled = Promise.allSettled([...before, last]);
    await worker.call.add(1, 1);
    // Answers, and the exit where all of them fit into the system's buffers, wait to be seen when this is over.
    const deadline = performance.now() + 2_000;
    while (isAlive(pid) && performance.now() < deadline) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
    const unanswered = (await settled).filter(({ status }) => status === "rejected");
    expect(unanswered).toEqual([]);
    await until(() => worker.state === "exited");
  });

  it("in a call: exit code and the end of stderr are in the error", async () => {
    const worker = await startFixture();
    worker.on("stderr", () => {});
    const error = await errorOf<WorkerExitedError>(worker.call.exit(5, "out of paper"));
    expect(error).toMatchObject({ code: "WORKER_EXITED", exitCode: 5, signal: null, stderrTail: "out of paper" });
    expect(error.message).toMatch(/^.*The last it wrote to stderr is in stderrTail\.$/);
  });

  it("a hundred calls to a dead worker make a short log: one line each, without what it wrote", async () => {
    const worker = await startFixture();
    worker.on("stderr", () => {});
    const inFlight = Array.from({ length: 50 }, () => errorOf<WorkerExitedError>(worker.call.hang()));
    await errorOf(worker.call.exit(5, "out of paper\n".repeat(300)));
    await until(() => worker.state === "exited");
    const later = Array.from({ length: 50 }, () => errorOf<WorkerExitedError>(worker.call.add(1, 2)));
    for (const error of await Promise.all([...inFlight, ...later])) {
      expect(error.message).not.toMatch(/\n|out of paper/);
      expect(error.message.length).toBeLessThan(500);
      expect(error.stderrTail).toContain("out of paper");
    }
  });

  it("calls made afterwards reject at once, and say how to go on", async () => {
    const worker = await startFixture("answers-calls.mjs", { name: "math" });
    await errorOf(worker.call.exit(5));
    const error = await errorOf(worker.call.add(1, 2));
    expect(error).toMatchObject({ code: "WORKER_EXITED", exitCode: 5 });
    expect(error.message).toMatch(
      /^'add' was not sent: math has ended \(exit code 5\): .*\. Restart it with restart\(\), /,
    );
  });

  it("emits `state` and `exit`, in this order, once", async () => {
    const worker = await startFixture();
    const emitted: unknown[] = [];
    worker.on("state", (state, before) => emitted.push([state, before]));
    worker.on("exit", ({ exitCode }) => emitted.push([exitCode, worker.state]));
    await errorOf(worker.call.exit(4));
    await until(() => emitted.length === 2);
    expect(emitted).toEqual([
      ["exited", "running"],
      [4, "exited"],
    ]);
  });

  it("with 20 calls in flight is one failure for the breaker", async () => {
    const worker = await startFixture("answers-calls.mjs", { maxRestartAttempts: 2 });
    const calls = Array.from({ length: 20 }, () => errorOf(worker.call.hang()));
    await worker.call.add(1, 1);
    process.kill(worker.pid as number, "SIGKILL");
    for (const error of await Promise.all(calls)) {
      expect(error).toMatchObject({ code: "WORKER_EXITED" });
    }
    expect(worker.circuitState).toBe("closed");
    expect(worker.metrics).toMatchObject({ requestsFailed: 20, circuitBreakerTrips: 0 });
  });
});

describe("restart()", () => {
  it("ends the process and starts a new one; calls made meanwhile wait for it", async () => {
    const worker = await startFixture();
    const before = await worker.call.pid();
    const restarted = vi.fn();
    worker.on("restart", restarted);
    const restarting = worker.restart();
    expect(worker.state).toBe("restarting");
    const meanwhile = worker.call.pid();
    await restarting;
    expect(await meanwhile).toBe(worker.pid);
    expect(isAlive(before)).toBe(false);
    expect(restarted).toHaveBeenCalledExactlyOnceWith({ exit: undefined, pid: worker.pid });
    expect(worker.metrics.restarts).toBe(1);
  });

  it("starts a worker again that has ended", async () => {
    const worker = await startFixture();
    await errorOf(worker.call.exit(1));
    await worker.restart();
    expect(await worker.call.add(1, 2)).toBe(3);
    expect(worker.state).toBe("running");
  });

  it("while the worker dies by itself makes one new process and not two, and calls made meanwhile still wait for it", async () => {
    const spawned: unknown[] = [];
    const info = ({ event, details }: LogRecord): unknown => event === "process_spawn" && spawned.push(details?.pid);
    const logger = { info, warn() {}, error() {} };
    const options = { autoRestart: true, restartBackoff: 0, stopTimeout: 300, logger };
    const worker = await startFixture("answers-calls.mjs", options);
    const call = errorOf(worker.call.hang());
    await worker.call.add(1, 1);
    const restarting = worker.restart();
    const waiting = worker.call.pid();
    process.kill(worker.pid as number, "SIGKILL");
    expect(await call).toMatchObject({ code: "WORKER_EXITED" });
    await restarting;
    expect(await waiting).toBe(worker.pid);
    expect(spawned).toEqual([expect.any(Number), worker.pid]);
    expect(worker.metrics.restarts).toBe(1);
    expect(worker.state).toBe("running");
  });

  it("stop() during it leaves no process", async () => {
    const worker = await startFixture();
    const pid = worker.pid as number;
    const restarting = errorOf(worker.restart());
    await worker.stop();
    expect(await restarting).toMatchObject({ code: "NOT_RUNNING" });
    expect(isAlive(pid)).toBe(false);
    expect(worker.state).toBe("stopped");
  });

  it("stop() during it, while the old process is still ending, waits for that too", async () => {
    const worker = spawnFixture<{ pid(): number }>("ignores-sigterm.mjs");
    await worker.start();
    const pid = watched(await worker.call.pid());
    const restarting = errorOf(worker.restart());
    await until(() => worker.pid === undefined);
    await worker.stop();
    expect(isAlive(pid)).toBe(false);
    expect(await restarting).toMatchObject({ code: "NOT_RUNNING" });
    await gone(pid);
  });
});
