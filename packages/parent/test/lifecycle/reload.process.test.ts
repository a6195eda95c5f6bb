// reload() with real processes: a worker is replaced while it is called, at any moment, and stays when it cannot be.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServiceRegistry } from "@multifrost/registry";
import { createMemoryTransport } from "@multifrost/transport";
import { describe, expect, it } from "vitest";
import type { ParentWorker, ReloadEvent, SpawnOptions } from "../../src/index.js";
import { composedParent, scriptedWorker } from "../support/composed.js";
import { gone, isAlive } from "../support/processes.js";
import { servicePlace } from "../support/services.js";
import { startFixture } from "../support/spawned.js";
import { temporaryDirectory } from "../support/temp-directory.js";
import { errorOf, until } from "../support/until.js";

interface Admitted {
  pid(): number;
  later<V>(value: V, ms: number): Promise<V>;
  hang(): Promise<never>;
  exit(code: number): never;
}

/** A worker that can be started as often as it gets tickets, one of which it has used. */
async function admitted(options: SpawnOptions = {}, otherwise = "exit") {
  const directory = join(temporaryDirectory(), "tickets");
  mkdirSync(directory);
  let tickets = 0;
  const admit = (count: number): void => {
    for (let added = 0; added < count; added++) {
      writeFileSync(join(directory, `${tickets++}`), "");
    }
  };
  admit(1);
  const given = { args: [directory, otherwise], ...options };
  const worker = await startFixture<Admitted>("fails-to-come-back.mjs", given);
  worker.on("stderr", () => {});
  const reloads: ReloadEvent[] = [];
  worker.on("reload", (reload) => reloads.push(reload));
  return { worker, admit, reloads, pid: worker.pid as number };
}

describe("reload()", () => {
  it("puts another process in use; no call fails, and those in flight are answered by the one before", async () => {
    const { worker, admit, reloads, pid } = await admitted();
    admit(1);
    const slow = worker.call.later("from the one before", 200);
    const states: string[] = [];
    worker.on("state", (state) => states.push(state));
    let isReloading = true;
    const answers = new Set<number>();
    const caller = (async () => {
      while (isReloading) {
        answers.add(await worker.call.pid());
      }
    })();
    await worker.reload();
    isReloading = false;
    await caller;
    expect(await slow).toBe("from the one before");
    expect(await worker.call.pid()).toBe(worker.pid);
    expect(isAlive(pid)).toBe(false);
    expect(answers).toContain(pid);
    expect(states).toEqual([]);
    expect(reloads).toEqual([{ pid: worker.pid, previousPid: pid }]);
    expect(worker.metrics).toMatchObject({ reloads: 1, restarts: 0, requestsFailed: 0 });
  });

  it("cuts off what the one before does not finish within stopTimeout", async () => {
    const { worker, admit, pid } = await admitted({ stopTimeout: 50, name: "math" });
    admit(1);
    const call = errorOf(worker.call.hang());
    await worker.call.pid();
    await worker.reload();
    expect(await call).toMatchObject({
      code: "NOT_RUNNING",
      outcome: "unknown",
      message: expect.stringMatching(/^'hang' got no answer: math was reloaded, /),
    });
    expect(isAlive(pid)).toBe(false);
    expect(await worker.call.pid()).toBe(worker.pid);
  });

  it("that cannot start the next process leaves the one before in use, and says why", async () => {
    const { worker, admit, reloads, pid } = await admitted();
    const call = worker.call.later("still there", 100);
    expect(await errorOf(worker.reload())).toMatchObject({
      code: "EXITED_EARLY",
      exitCode: 7,
      stderrTail: "no ticket left",
    });
    expect(await worker.call.pid()).toBe(pid);
    expect(await call).toBe("still there");
    expect(worker).toMatchObject({ state: "running", isHealthy: true, circuitState: "closed" });
    expect(reloads).toEqual([]);
    admit(1);
    await worker.reload();
    expect(reloads).toHaveLength(1);
  });

  it("the same where the next process never connects", async () => {
    const { worker, pid } = await admitted({ startTimeout: 2_500 }, "hang");
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    expect(await errorOf(worker.reload())).toMatchObject({ code: "START_TIMEOUT" });
    expect(await ended).toMatchObject({ signal: "SIGTERM" });
    expect(await worker.call.pid()).toBe(pid);
  });

  it("several at once: each gets a process that was started after it was called, and one process is left", async () => {
    const { worker, admit, reloads, pid } = await admitted();
    admit(2);
    const first = [worker.reload(), worker.reload()];
    // The next process is being started now.
    await new Promise(setImmediate);
    await Promise.all([...first, worker.reload(), worker.reload()]);
    expect(reloads).toHaveLength(2);
    expect(reloads[1]).toEqual({ pid: worker.pid, previousPid: reloads[0]?.pid });
    expect([pid, reloads[0]?.pid as number].filter(isAlive)).toEqual([]);
    expect(await worker.call.pid()).toBe(worker.pid);
  });

  it("before start(), during it, and after stop() is refused with the state", async () => {
    const { worker } = await admitted();
    await worker.stop();
    expect(await errorOf(worker.reload())).toMatchObject({ code: "NOT_RUNNING", state: "stopped" });
    const other = composedParent(createMemoryTransport(), { name: "math" });
    expect(await errorOf(other.reload())).toMatchObject({
      code: "NOT_RUNNING",
      message: "reload() was called, but math is idle. It replaces a worker that runs.",
    });
    const starting = errorOf(other.start());
    expect(await errorOf(other.reload())).toMatchObject({ state: "starting" });
    await other.stop();
    await starting;
  });

  it("of a worker that has exited is refused, and names restart()", async () => {
    const { worker } = await admitted({ name: "math" });
    await errorOf(worker.call.exit(1));
    expect((await errorOf(worker.reload())).message).toMatch(/math is exited\. .* restart\(\) starts it again\.$/);
  });

  it("stop() during it wins, while the next process starts and while the one before finishes", async () => {
    for (const wait of [
      async () => {},
      (worker: ParentWorker<Admitted>, pid: number) => until(() => worker.pid !== pid),
    ]) {
      const { worker, admit, pid } = await admitted({ stopTimeout: 50 });
      admit(1);
      const ended: number[] = [];
      worker.on("exit", () => ended.push(1));
      const hanging = errorOf(worker.call.hang());
      const reloading = worker.reload().catch((error: Error) => error);
      await wait(worker, pid);
      await worker.stop();
      const outcome = await reloading;
      expect(outcome === undefined || ("code" in outcome && outcome.code === "NOT_RUNNING")).toBe(true);
      expect(await hanging).toMatchObject({ code: "NOT_RUNNING" });
      expect(worker.state).toBe("stopped");
      expect(isAlive(pid)).toBe(false);
    }
  });

  it("restart() during it wins: one process is left, and reload() rejects", async () => {
    const { worker, admit, pid } = await admitted();
    admit(2);
    const reloading = errorOf(worker.reload());
    await new Promise(setImmediate);
    await worker.restart();
    expect(await reloading).toMatchObject({
      code: "NOT_RUNNING",
      message: expect.stringMatching(/was restarted while/),
    });
    expect(isAlive(pid)).toBe(false);
    expect(await worker.call.pid()).toBe(worker.pid);
  });

  it("goes on when the worker dies meanwhile: its calls reject, those made then wait for the next process", async () => {
    const { worker, admit, pid } = await admitted();
    admit(1);
    const lost = errorOf(worker.call.hang());
    await worker.call.pid();
    const reloading = worker.reload();
    process.kill(pid, "SIGKILL");
    expect(await lost).toMatchObject({ code: "WORKER_EXITED", outcome: "unknown" });
    expect(await worker.call.pid()).not.toBe(pid);
    await reloading;
    expect(worker.state).toBe("running");
  });

  it("when the worker dies meanwhile and the next cannot start, is followed by what follows an exit", async () => {
    for (const [autoRestart, state] of [
      [false, "exited"],
      [true, "failed"],
    ] as const) {
      const { worker, pid } = await admitted({ autoRestart, restartBackoff: 0, maxRestartAttempts: 1 });
      const reloading = errorOf(worker.reload());
      process.kill(pid, "SIGKILL");
      expect(await reloading).toMatchObject({ code: "EXITED_EARLY" });
      await until(() => worker.state === state);
      expect(await errorOf(worker.call.pid())).toMatchObject({ outcome: "not-sent" });
    }
  });

  it("replaces a worker that is stalled", async () => {
    const options = { heartbeatInterval: 0.02, heartbeatTimeout: 0.05, heartbeatMaxMisses: 2, stopTimeout: 20 };
    const { worker, admit, pid } = await admitted(options);
    admit(1);
    process.kill(pid, "SIGSTOP");
    await until(() => worker.state === "stalled");
    await worker.reload();
    await gone(pid);
    expect(await worker.call.pid()).toBe(worker.pid);
  });

  it("of a service moves to where it is now; the process there goes on", async () => {
    const place = servicePlace();
    const services = [await place.start("one"), await place.start("other")] as const;
    let now = "one";
    const registry: ServiceRegistry = {
      ...place.registry,
      discover: (_serviceId, options) => place.registry.discover(now, options),
    };
    const worker = await place.connect("one", { registry });
    await worker.start();
    expect(await worker.call.pid()).toBe(services[0].pid);
    now = "other";
    await worker.reload();
    expect(await worker.call.pid()).toBe(services[1].pid);
    expect(isAlive(services[0].pid)).toBe(true);
    expect(worker.metrics).toMatchObject({ reloads: 1, requestsFailed: 0 });
  });

  it("over a transport of the user opens it once more", async () => {
    const scripted = await scriptedWorker();
    scripted.onCall = (call) => scripted.answer(call, "ok");
    const parent = composedParent(scripted.memory);
    await parent.start();
    await parent.reload();
    expect(await parent.callFunction("x")).toBe("ok");
  });
});
