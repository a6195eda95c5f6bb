// A parent's life over a memory transport: start, stop, restart and what comes in between. With processes:
// lifecycle.process.test.ts.

import type { HeartbeatMessage } from "@multifrost/protocol";
import { MultifrostError } from "@multifrost/protocol/errors";
import { createMemoryTransport } from "@multifrost/transport";
import { describe, expect, it, vi } from "vitest";
import type { ParentState } from "../../src/index.js";
import { composed, composedParent, scriptedWorker } from "../support/composed.js";
import { answerHeartbeat } from "../support/heartbeats.js";
import { errorOf, until } from "../support/until.js";

describe("start()", () => {
  it("[LIFE-1] resolves when a heartbeat was answered, and not before", async () => {
    const worker = await scriptedWorker();
    worker.answersHeartbeats = false;
    const parent = composedParent(worker.memory);
    const started = vi.fn();
    const starting = parent.start().then(started);
    await until(() => worker.received.length === 1);
    await new Promise(setImmediate);
    expect(started).not.toHaveBeenCalled();
    expect(parent.state).toBe("starting");
    worker.send(answerHeartbeat(worker.received[0] as HeartbeatMessage));
    await starting;
    expect(parent.state).toBe("running");
    expect(parent.lastHeartbeatRttMs).toBeGreaterThan(0);
  });

  it("without heartbeats it resolves when the connection is there, and none is sent", async () => {
    const worker = await scriptedWorker();
    worker.answersHeartbeats = false;
    const parent = composedParent(worker.memory, { heartbeatInterval: 0 });
    await parent.start();
    worker.onCall = (call) => worker.answer(call, "ok");
    expect(await parent.callFunction("x")).toBe("ok");
    expect(worker.received.map(({ type }) => type)).toEqual(["call"]);
    expect(parent.lastHeartbeatRttMs).toBeUndefined();
  });

  it("twice is an error that says so", async () => {
    const { parent } = await composed({ name: "math" });
    const error = await errorOf(parent.start());
    expect(error).toBeInstanceOf(MultifrostError);
    expect(error).toMatchObject({
      code: "ALREADY_STARTED",
      message: "start() was called, but math is running. It is enough to start it once.",
    });
  });

  it("twice at once: the first goes on, the second is refused", async () => {
    const parent = composedParent((await scriptedWorker()).memory, { name: "math" });
    const starting = parent.start();
    expect((await errorOf(parent.start())).message).toBe(
      "start() was called, but math is starting. It is enough to start it once.",
    );
    await starting;
  });

  it("after stop() is an error that says to create a new worker", async () => {
    const { parent } = await composed({ name: "math" });
    await parent.stop();
    expect((await errorOf(parent.start())).message).toBe(
      "start() was called, but math is stopped. Create a new worker to go on.",
    );
  });

  it("may be called again after it has failed", async () => {
    const memory = createMemoryTransport();
    const parent = composedParent(memory, { startTimeout: 20 });
    expect(await errorOf(parent.start())).toMatchObject({ code: "UNREACHABLE" });
    expect(parent.state).toBe("idle");
    await scriptedWorker(memory);
    await parent.start();
    expect(parent.state).toBe("running");
  });

  it("startTimeout is for the whole of it: connection and heartbeat together", async () => {
    const worker = await scriptedWorker();
    worker.answersHeartbeats = false;
    const parent = composedParent(worker.memory, { startTimeout: 30 });
    const before = performance.now();
    expect(await errorOf(parent.start())).toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringContaining("answered no heartbeat within 30 ms"),
    });
    expect(performance.now() - before).toBeLessThan(2_500);
  });

  it("a connection that breaks before the heartbeat is answered rejects at once", async () => {
    const worker = await scriptedWorker();
    worker.answersHeartbeats = false;
    const parent = composedParent(worker.memory);
    const starting = errorOf(parent.start());
    await until(() => worker.received.length === 1);
    worker.memory.disconnect();
    expect(await starting).toMatchObject({ code: "CONNECTION_LOST" });
    expect(parent.state).toBe("idle");
  });
});

describe("stop()", () => {
  it("before start(): the worker is stopped, and cannot be started", async () => {
    const parent = composedParent(createMemoryTransport());
    await parent.stop();
    expect(parent.state).toBe("stopped");
    expect(await errorOf(parent.start())).toMatchObject({ code: "ALREADY_STARTED" });
  });

  it("while it starts: start() rejects with NotRunningError", async () => {
    const parent = composedParent(createMemoryTransport(), { name: "math" });
    const starting = errorOf(parent.start());
    await parent.stop();
    expect(await starting).toMatchObject({ code: "NOT_RUNNING", message: "math was stopped while it was starting." });
    expect(parent.state).toBe("stopped");
  });

  it("between the connection and the heartbeat, too", async () => {
    const worker = await scriptedWorker();
    worker.answersHeartbeats = false;
    const parent = composedParent(worker.memory, { name: "math" });
    const starting = errorOf(parent.start());
    await until(() => worker.received.length === 1);
    await parent.stop();
    expect((await starting).message).toBe("math was stopped while it was starting.");
  });

  it("twice, in parallel, as close() and by `await using`, is the same as once", async () => {
    const { parent } = await composed();
    const states: ParentState[] = [];
    parent.on("state", (state) => states.push(state));
    await Promise.all([parent.stop(), parent.stop(), parent.close(), parent[Symbol.asyncDispose]()]);
    await parent.stop();
    expect(states).toEqual(["stopping", "stopped"]);
  });

  it("lets calls in flight finish, and takes no new ones", async () => {
    const { parent, worker } = await composed({ stopTimeout: 10_000, name: "math" });
    const call = parent.callFunction("slow");
    await until(() => worker.calls.length === 1);
    const stopping = parent.stop();
    expect((await errorOf(parent.callFunction("late"))).message).toBe(
      "'late' was not sent: math is stopping. stop() was called; create a new worker to go on.",
    );
    worker.answer(worker.calls[0]!, "done");
    expect(await call).toBe("done");
    await stopping;
  });

  it("rejects those that do not finish within stopTimeout, and does not say that they were never sent", async () => {
    const { parent } = await composed({ stopTimeout: 5, name: "math" });
    const call = errorOf(parent.callFunction("hang"));
    await parent.stop();
    expect(await call).toMatchObject({
      code: "NOT_RUNNING",
      message:
        "'hang' got no answer: math was stopped, and calls in flight have 5 ms to finish (stopTimeout). It may have run or not.",
    });
  });

  it("with stopTimeout Infinity waits for calls in flight as long as they need", async () => {
    const { parent, worker } = await composed({ stopTimeout: Number.POSITIVE_INFINITY });
    const call = parent.callFunction("slow");
    await until(() => worker.calls.length === 1);
    const stopping = parent.stop();
    // Another that gives its call 5 ms has stopped by then.
    const impatient = await composed({ stopTimeout: 5 });
    const given = errorOf(impatient.parent.callFunction("hang"));
    await impatient.parent.stop();
    await given;
    worker.answer(worker.calls[0]!, "done");
    expect(await call).toBe("done");
    await stopping;
  });

  it("[CALL-1] a connection that breaks meanwhile rejects the calls in flight at once, and is no warning", async () => {
    const warn = vi.fn();
    const { parent, worker } = await composed({ stopTimeout: 60_000, logger: { info() {}, warn, error: warn } });
    const call = errorOf(parent.callFunction("hang"));
    await until(() => worker.calls.length === 1);
    const stopping = parent.stop();
    worker.memory.disconnect();
    expect(await call).toMatchObject({ code: "CONNECTION_LOST" });
    await stopping;
    expect(parent.state).toBe("stopped");
    expect(warn).not.toHaveBeenCalled();
  });

  it("rejects calls that wait for a connection at once", async () => {
    const { parent, worker } = await composed({ stopTimeout: 60_000 });
    worker.memory.disconnect();
    await until(() => parent.state === "reconnecting");
    const call = errorOf(parent.callFunction("waits"));
    await parent.stop();
    expect(await call).toMatchObject({ code: "NOT_RUNNING", state: "stopping" });
  });

  it("called by a listener of another state, it wins", async () => {
    const { parent } = await composed();
    parent.on("state", (state) => state === "reconnecting" && parent.stop());
    const restarting = errorOf(parent.restart());
    await parent.stop();
    expect(await restarting).toMatchObject({ code: "NOT_RUNNING" });
    expect(parent.state).toBe("stopped");
  });
});

describe("a connection over the user's transport that breaks", () => {
  it("[CALL-6] rejects calls in flight, lets new ones wait, and sends them in order when it is back", async () => {
    const { parent, worker } = await composed({ name: "math" });
    const lost = errorOf(parent.callFunction("lost"));
    await until(() => worker.calls.length === 1);
    worker.memory.disconnect();
    expect(await lost).toMatchObject({
      code: "CONNECTION_LOST",
      message:
        "'lost' got no answer: the connection to math (memory://local) was lost. It may have run or not; calls made from " +
        "now on wait for the connection to come back.",
    });
    expect(parent.state).toBe("reconnecting");
    worker.onCall = (call) => worker.answer(call, call.args[0]);
    const waiting = [1, 2, 3].map((n) => parent.callFunction("echo", [n]));
    worker.memory.reconnect();
    expect(await Promise.all(waiting)).toEqual([1, 2, 3]);
    expect(worker.calls.map(({ args }) => args[0])).toEqual([undefined, 1, 2, 3]);
    expect(parent.state).toBe("running");
  });

  it("is one failure for the breaker, however many calls were in flight", async () => {
    const { parent, worker } = await composed({ maxRestartAttempts: 2 });
    const calls = Array.from({ length: 20 }, () => errorOf(parent.callFunction("hang")));
    await until(() => worker.calls.length === 20);
    worker.memory.disconnect();
    await Promise.all(calls);
    expect(parent.circuitState).toBe("closed");
  });

  it("calls that wait have their own timeout, which says that they were never sent", async () => {
    const { parent, worker } = await composed();
    worker.memory.disconnect();
    await until(() => parent.state === "reconnecting");
    const error = await errorOf(parent.callFunction("waits", [], 10));
    expect(error.message).toBe(
      "'waits' timed out after 10 ms. It waited for the worker to come back; it was never sent. " +
        "Give it more with withOptions({ timeout }), or look at what the worker does.",
    );
    worker.memory.reconnect();
    await until(() => parent.state === "running");
    expect(worker.calls).toEqual([]);
  });

  it("[CALL-1] calls without a timeout wait for startTimeout, not forever", async () => {
    const { parent, worker } = await composed({ name: "math", startTimeout: 30 });
    worker.memory.disconnect();
    await until(() => parent.state === "reconnecting");
    expect(await errorOf(parent.callFunction("waits"))).toMatchObject({
      code: "UNREACHABLE",
      message: "'waits' was not sent: math did not come back within 30 ms (startTimeout).",
    });
  });

  it("a call that waits can be aborted", async () => {
    const { parent, worker } = await composed();
    worker.memory.disconnect();
    await until(() => parent.state === "reconnecting");
    const controller = new AbortController();
    const call = errorOf(parent.callFunction("waits", [], { signal: controller.signal }));
    controller.abort();
    expect(await call).toMatchObject({ code: "ABORTED" });
  });
});

describe("restart()", () => {
  it("reconnects; calls made meanwhile wait and hold nothing up, calls in flight get stopTimeout to finish", async () => {
    // Longer than this test may take.
    const { parent, worker } = await composed({ stopTimeout: 3_600_000 });
    const first = parent.callFunction("slow");
    await until(() => worker.calls.length === 1);
    const restarting = parent.restart();
    worker.onCall = (call) => worker.answer(call, "after");
    const second = parent.callFunction("next");
    worker.answer(worker.calls[0]!, "before");
    expect(await first).toBe("before");
    await restarting;
    expect(await second).toBe("after");
  });

  it("cuts off what does not finish in time", async () => {
    const { parent, worker } = await composed({ stopTimeout: 5, name: "math" });
    const call = errorOf(parent.callFunction("hang"));
    await until(() => worker.calls.length === 1);
    await parent.restart();
    expect((await call).message).toMatch(/^'hang' got no answer: math was restarted, /);
    expect(parent.state).toBe("running");
  });

  it("before start() and after stop() is refused with the state it is in", async () => {
    const parent = composedParent(createMemoryTransport(), { name: "math" });
    expect(await errorOf(parent.restart())).toMatchObject({
      code: "NOT_RUNNING",
      state: "idle",
      message: "restart() was called, but math is idle. It restarts a worker that is running or has exited.",
    });
    await parent.stop();
    expect(await errorOf(parent.restart())).toMatchObject({ state: "stopped" });
  });

  it("stop() during it wins: restart() rejects, and the worker is stopped", async () => {
    const { parent, worker } = await composed({ stopTimeout: 60_000 });
    const call = parent.callFunction("slow");
    await until(() => worker.calls.length === 1);
    const restarting = errorOf(parent.restart());
    const stopping = parent.stop();
    worker.answer(worker.calls[0]!, "done");
    expect(await call).toBe("done");
    expect(await restarting).toMatchObject({ code: "NOT_RUNNING" });
    await stopping;
    expect(parent.state).toBe("stopped");
  });

  it("that fails leaves the worker `exited`; it may be tried again", async () => {
    const { parent, worker } = await composed({ startTimeout: 20, name: "math" });
    worker.memory.disconnect();
    await until(() => parent.state === "reconnecting");
    worker.memory.reconnect();
    await until(() => parent.state === "running");
    worker.answersHeartbeats = false;
    expect(await errorOf(parent.restart())).toMatchObject({ code: "UNREACHABLE" });
    expect(parent.state).toBe("exited");
    expect((await errorOf(parent.start())).message).toBe(
      "start() was called, but math is exited. restart() starts it again.",
    );
    expect(await errorOf(parent.callFunction("x"))).toMatchObject({ code: "CONNECTION_LOST" });
    worker.answersHeartbeats = true;
    await parent.restart();
    expect(parent.state).toBe("running");
  });
});

describe("heartbeats", () => {
  it("missed for stallTimeout open the circuit; one that is answered again closes it", async () => {
    const { parent, worker } = await composed({
      heartbeatInterval: 0.02,
      heartbeatTimeout: 0.02,
      heartbeatMaxMisses: 2,
      stallTimeout: 0.1,
      circuitResetTimeout: 60,
    });
    const beats: unknown[] = [];
    parent.on("heartbeat", (beat) => beats.push(beat));
    await until(() => beats.length > 1);
    expect(parent.isHealthy).toBe(true);
    expect(parent.metrics.heartbeat.rttLastMs).toBeGreaterThan(0);
    worker.answersHeartbeats = false;
    await until(() => parent.circuitOpen);
    expect(parent.isHealthy).toBe(false);
    expect(parent.metrics.heartbeat.misses).toBeGreaterThanOrEqual(2);
    expect(beats).toContainEqual({ misses: 2 });
    worker.answersHeartbeats = true;
    await until(() => parent.isHealthy);
    expect(parent.circuitState).toBe("closed");
  });

  it("the loop does not end by itself: an outage of many heartbeats is seen to its end", async () => {
    const { parent, worker } = await composed({
      heartbeatInterval: 0.01,
      heartbeatTimeout: 0.01,
      heartbeatMaxMisses: 1,
    });
    worker.answersHeartbeats = false;
    await until(() => parent.metrics.heartbeat.misses > 20);
    worker.answersHeartbeats = true;
    await until(() => parent.circuitState === "closed");
  });
});
