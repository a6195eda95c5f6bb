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
  it("opens the circuit after heartbeatMaxMisses; when it goes on, the circuit closes", async () => {
    const worker = await startFixture("answers-calls.mjs", attentive);
    await until(() => worker.metrics.heartbeat.rttAvgMs !== null);
    const resume = pause(worker.pid as number);
    await until(() => worker.circuitOpen);
    expect(worker.isHealthy).toBe(false);
    expect(worker.metrics.heartbeat.misses).toBeGreaterThanOrEqual(3);
    expect(await errorOf(worker.call.add(1, 2))).toMatchObject({ code: "CIRCUIT_OPEN" });
    expect(worker.state).toBe("running");
    resume();
    await until(() => worker.isHealthy);
    expect(await worker.call.add(1, 2)).toBe(3);
  });

  it("with autoRestart is killed and restarted; calls in flight reject", async () => {
    const worker = await startFixture("answers-calls.mjs", { ...attentive, autoRestart: true, restartBackoff: 0.01 });
    const before = worker.pid as number;
    const lost = errorOf(worker.call.hang());
    await worker.call.add(1, 1);
    pause(before);
    expect(await lost).toMatchObject({ code: "WORKER_EXITED", signal: "SIGKILL" });
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
