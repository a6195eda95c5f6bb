// What follows a crash where autoRestart is on, with real processes.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { WorkerExitedError, type WorkerFailedError } from "@multifrost/protocol/errors";
import type { CircuitChange } from "@multifrost/reliability";
import { describe, expect, it } from "vitest";
import type { RestartEvent, SpawnOptions } from "../../src/index.js";
import { isAlive } from "../support/processes.js";
import { spawnFixture, startFixture } from "../support/spawned.js";
import { temporaryDirectory } from "../support/temp-directory.js";
import { errorOf, until } from "../support/until.js";

const quick: SpawnOptions = { autoRestart: true, restartBackoff: 0.01 };

/** A directory with this many starts in it, for fixtures/fails-to-come-back.mjs. */
function tickets(count: number): string {
  const directory = join(temporaryDirectory(), "tickets");
  mkdirSync(directory);
  for (let ticket = 0; ticket < count; ticket++) {
    writeFileSync(join(directory, `${ticket}`), "");
  }
  return directory;
}

describe("autoRestart", () => {
  it("[CALL-6] restarts a worker that was killed; calls made meanwhile wait and then succeed", async () => {
    const worker = await startFixture("answers-calls.mjs", quick);
    const before = worker.pid as number;
    const restarts: RestartEvent[] = [];
    worker.on("restart", (restart) => restarts.push(restart));
    const lost = errorOf(worker.call.hang());
    await worker.call.add(1, 1);
    process.kill(before, "SIGKILL");
    expect(await lost).toMatchObject({ code: "WORKER_EXITED", signal: "SIGKILL" });
    expect(worker.state).toBe("restarting");
    const waited = await Promise.all([worker.call.withOptions({ timeout: 15_000 }).add(1, 2), worker.call.pid()]);
    expect(waited).toEqual([3, worker.pid]);
    expect(worker.pid).not.toBe(before);
    expect(restarts).toMatchObject([{ exit: { signal: "SIGKILL" }, pid: worker.pid }]);
    expect(worker.metrics.restarts).toBe(1);
    expect(worker.circuitState).toBe("closed");
  });

  it("a call that waits keeps to its timeout", async () => {
    const worker = await startFixture("answers-calls.mjs", { autoRestart: true, restartBackoff: 3600 });
    await errorOf(worker.call.exit(1));
    expect(await errorOf(worker.call.withOptions({ timeout: 20 }).add(1, 2))).toMatchObject({
      code: "TIMEOUT",
      timeoutMs: 20,
    });
  });

  it("a worker that crashes again and again is restarted as often as there are restarts, then given up", async () => {
    const options = { ...quick, maxRestartAttempts: 3, args: [tickets(2)], name: "math", circuitResetTimeout: 60 };
    const worker = await startFixture<{ exit(code: number): never }>("fails-to-come-back.mjs", options);
    const changes: CircuitChange[] = [];
    worker.on("circuit", (change) => changes.push(change));
    worker.on("stderr", () => {});
    await errorOf(worker.call.exit(1));
    await until(() => worker.metrics.restarts === 1);
    const crash = errorOf(worker.call.exit(2));
    expect(await crash).toMatchObject({ exitCode: 2 });
    const waiting = errorOf(worker.callFunction("pid"));
    await until(() => worker.state === "failed");
    expect(await waiting).toMatchObject({ code: "WORKER_FAILED", exitCode: 7, stderrTail: "no ticket left" });
    expect(changes.at(-1)).toMatchObject({ to: "open", reason: "restarts used up" });
    expect(worker.circuitOpen).toBe(true);
    const refused = await errorOf<WorkerFailedError>(worker.callFunction("pid"));
    expect(refused).toBeInstanceOf(WorkerExitedError);
    expect(refused).toMatchObject({ code: "WORKER_FAILED", outcome: "not-sent" });
    expect(refused.message).toMatch(
      /^'pid' was not sent: math has failed: .* exit code 1 after [\d.]+ s, exit code 2 after [\d.]+ s, exit code 7 after .* restart\(\) starts it again\.$/,
    );
    expect(refused.exits.map(({ exitCode, callsInFlight }) => [exitCode, callsInFlight])).toEqual([
      [1, 1],
      [2, 1],
      [7, 0],
      [7, 0],
    ]);
    expect(refused.exits.at(-1)?.stderrTail).toBe("no ticket left");
  });

  it("restart() brings a worker back that was given up, and closes the circuit", async () => {
    const directory = tickets(1);
    const options = { ...quick, maxRestartAttempts: 1, args: [directory], circuitResetTimeout: 60 };
    const worker = await startFixture<{ exit(code: number): never; pid(): number }>("fails-to-come-back.mjs", options);
    worker.on("stderr", () => {});
    await errorOf(worker.call.exit(1));
    await until(() => worker.state === "failed");
    expect(worker.circuitOpen).toBe(true);
    writeFileSync(join(directory, "another"), "");
    await worker.restart();
    expect(worker.circuitState).toBe("closed");
    expect(await worker.call.pid()).toBe(worker.pid);
  });

  it("[CALL-6] a worker that is ended in order, under calls, costs its callers nothing", async () => {
    const worker = await startFixture<{ pid(): number }>("answers-calls.mjs", { ...quick, maxRestartAttempts: 5 });
    let isOver = false;
    const callers = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        await worker.call.pid();
      }
    });
    for (let restarts = 1; restarts <= 3; restarts++) {
      process.kill(worker.pid as number, "SIGTERM");
      await until(() => worker.metrics.restarts === restarts);
      expect(await worker.call.pid()).toBe(worker.pid);
    }
    isOver = true;
    await Promise.all(callers);
    expect(worker.metrics).toMatchObject({ requestsFailed: 0 });
  });

  it("restart() gives it all its restarts back", async () => {
    const directory = tickets(1);
    const options = { ...quick, maxRestartAttempts: 1, args: [directory] };
    const worker = await startFixture<{ exit(code: number): never; pid(): number }>("fails-to-come-back.mjs", options);
    worker.on("stderr", () => {});
    await errorOf(worker.call.exit(1));
    await until(() => worker.state === "failed");
    writeFileSync(join(directory, "by hand"), "");
    await worker.restart();
    writeFileSync(join(directory, "by itself"), "");
    await errorOf(worker.call.exit(1));
    await until(() => worker.state === "running");
    expect(await worker.call.pid()).toBe(worker.pid);
  });

  it("a worker that hangs when it is started again is given up as one that crashes; restart() by hand gets out of it", async () => {
    const directory = tickets(1);
    const options = { ...quick, maxRestartAttempts: 2, startTimeout: 2_500, args: [directory, "hang"] };
    const worker = await startFixture<{ exit(code: number): never; pid(): number }>("fails-to-come-back.mjs", options);
    worker.on("stderr", () => {});
    const { pid } = worker;
    await errorOf(worker.call.exit(1));
    const waiting = errorOf<WorkerFailedError>(worker.call.withOptions({ timeout: 60_000 }).pid());
    await until(() => worker.state === "failed");
    const { exits } = await waiting;
    expect(exits).toMatchObject([
      { exitCode: 1 },
      ...Array(2).fill({
        signal: "SIGTERM",
        hint: expect.stringMatching(/did not connect within 2500 ms \(startTimeout\)/),
      }),
    ]);
    expect(await errorOf(worker.restart())).toMatchObject({ code: "START_TIMEOUT" });
    expect(worker.state).toBe("failed");
    writeFileSync(join(directory, "another"), "");
    await worker.restart();
    expect(worker.state).toBe("running");
    expect(await worker.call.pid()).not.toBe(pid);
  });

  it("a worker that stays up for restartWindow gets its restarts back", async () => {
    const worker = await startFixture("answers-calls.mjs", { ...quick, maxRestartAttempts: 1, restartWindow: 0 });
    for (let round = 1; round <= 3; round++) {
      await errorOf(worker.call.exit(round));
      await until(() => worker.metrics.restarts === round, `restart ${round}`);
    }
  });

  it("does not repeat a start() that fails: that is the caller's decision", async () => {
    const worker = spawnFixture("exits-before-connecting.mjs", quick);
    expect(await errorOf(worker.start())).toMatchObject({ code: "EXITED_EARLY" });
    expect(worker.state).toBe("idle");
    expect(worker.metrics.restarts).toBe(0);
  });

  it("stop() during a restart leaves no process, during the delay and during the start", async () => {
    for (const restartBackoff of [3600, 0]) {
      const worker = await startFixture("answers-calls.mjs", { autoRestart: true, restartBackoff });
      const pids: number[] = [worker.pid as number];
      await errorOf(worker.call.exit(1));
      expect(worker.state).toBe("restarting");
      const waiting = errorOf(worker.call.pid());
      await new Promise(setImmediate);
      await worker.stop();
      expect(await waiting).toMatchObject({ code: "NOT_RUNNING" });
      expect(worker.state).toBe("stopped");
      expect(pids.filter(isAlive)).toEqual([]);
    }
  });

  it("crashes in a row do not open the circuit, because each restart closes it", async () => {
    const worker = await startFixture("answers-calls.mjs", { ...quick, maxRestartAttempts: 2, restartWindow: 0 });
    for (let round = 1; round <= 3; round++) {
      await errorOf(worker.call.exit(1));
      await until(() => worker.metrics.restarts === round, `restart ${round}`);
    }
    expect(worker.metrics.circuitBreakerTrips).toBe(0);
  });
});
