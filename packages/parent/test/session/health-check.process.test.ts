// A worker that stops answering while its process lives, as in an endless loop, on a suspended machine, under SIGSTOP.

import { describe, expect, it, onTestFinished } from "vitest";
import { gone, isAlive } from "../support/processes.js";
import { startFixture } from "../support/spawned.js";
import { errorOf, until } from "../support/until.js";

const attentive = { heartbeatInterval: 0.05, heartbeatTimeout: 0.2, heartbeatMaxMisses: 3, circuitResetTimeout: 60 };

/** Stops a process; it goes on at the latest after the test, so that it can end in order. */
function pause(pid: number): () => void {
  const resume = (): void => {
    if (isAlive(pid)) {
      process.kill(pid, "SIGCONT");
    }
  };
  process.kill(pid, "SIGSTOP");
  onTestFinished(resume);
  return resume;
}

describe("a worker that stops answering", () => {
  it("is stalled after heartbeatMaxMisses: calls go out, and are answered when it goes on", async () => {
    const worker = await startFixture("answers-calls.mjs", { ...attentive, autoRestart: true });
    const states: string[] = [];
    worker.on("state", (state) => states.push(state));
    const resume = pause(worker.pid as number);
    await until(() => worker.state === "stalled");
    expect([worker.isHealthy, worker.circuitState]).toEqual([false, "closed"]);
    expect(worker.metrics.heartbeat.misses).toBeGreaterThanOrEqual(3);
    const sum = worker.call.add(1, 2);
    resume();
    expect(await sum).toBe(3);
    await until(() => worker.isHealthy);
    expect(states).toEqual(["stalled", "running"]);
  });

  it("because a method computes is not killed, and the method is answered", async () => {
    const worker = await startFixture("answers-calls.mjs", { ...attentive, autoRestart: true });
    const states: string[] = [];
    worker.on("state", (state) => states.push(state));
    expect(await worker.call.compute(1_500)).toBe(1_500);
    await until(() => worker.isHealthy);
    expect(states).toEqual(["stalled", "running"]);
  });

  it("only because this process is blocked is not stalled", async () => {
    const worker = await startFixture("answers-calls.mjs", { ...attentive, stallTimeout: 0, autoRestart: true });
    const pid = worker.pid;
    const states: string[] = [];
    worker.on("state", (state) => states.push(state));
    for (let count = 0; count < 4; count += 1) {
      const end = performance.now() + 400;
      while (performance.now() < end) {
        // Blocks.
      }
      expect(await worker.call.add(1, 2)).toBe(3);
    }
    expect([worker.pid, states]).toEqual([pid, []]);
  });

  it("for stallTimeout opens the circuit; when it goes on, the circuit closes", async () => {
    const worker = await startFixture("answers-calls.mjs", { ...attentive, stallTimeout: 0.5 });
    await until(() => worker.metrics.heartbeat.rttAvgMs !== null);
    const resume = pause(worker.pid as number);
    await until(() => worker.circuitOpen);
    expect(worker.isHealthy).toBe(false);
    expect(worker.metrics.heartbeat.misses).toBeGreaterThanOrEqual(3);
    expect(await errorOf(worker.call.add(1, 2))).toMatchObject({ code: "CIRCUIT_OPEN" });
    expect(worker.state).toBe("stalled");
    resume();
    await until(() => worker.isHealthy);
    expect(await worker.call.add(1, 2)).toBe(3);
  });

  it("with autoRestart is killed after stallTimeout and restarted; calls in flight reject and say why", async () => {
    const options = { ...attentive, stallTimeout: 0, autoRestart: true, restartBackoff: 0.01 };
    const worker = await startFixture("answers-calls.mjs", options);
    const before = worker.pid as number;
    const lost = errorOf(worker.call.hang());
    await worker.call.add(1, 1);
    pause(before);
    expect(await lost).toMatchObject({
      code: "WORKER_EXITED",
      signal: "SIGKILL",
      message: expect.stringMatching(/answered no heartbeat for [\d.]+ s: .* option stallTimeout/),
    });
    await gone(before);
    await until(() => worker.isHealthy);
    expect(worker.pid).not.toBe(before);
    expect(await worker.call.add(1, 2)).toBe(3);
  });

  it("does not hold up stop(): it is killed", async () => {
    const worker = await startFixture("answers-calls.mjs", attentive);
    const pid = worker.pid as number;
    pause(pid);
    await worker.stop();
    expect(isAlive(pid)).toBe(false);
  });

  it("is not asked with heartbeatInterval 0", async () => {
    const worker = await startFixture("answers-calls.mjs", { heartbeatInterval: 0 });
    expect(await worker.call.add(1, 2)).toBe(3);
    expect(worker.metrics.heartbeat).toEqual({ rttLastMs: null, rttAvgMs: null, misses: 0 });
    expect(worker.isHealthy).toBe(true);
  });
});
