// Calls over a memory transport, with the test as the worker; and calls without any transport.

import { createCodec, createResponse } from "@multifrost/protocol";
import {
  AbortError,
  CircuitOpenError,
  MultifrostError,
  NotRunningError,
  OverloadError,
  SerializationError,
  TimeoutError,
} from "@multifrost/protocol/errors";
import { createFakeClock } from "@multifrost/testing";
import { parseTcpEndpoint, type ServerChannel, zmtpClient, zmtpServer } from "@multifrost/transport";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { ParentWorker } from "../../src/index.js";
import { composed, composedParent, scriptedWorker } from "../support/composed.js";
import { idleSession, parentParts } from "../support/context.js";
import { answerHeartbeat } from "../support/heartbeats.js";
import { errorOf, until } from "../support/until.js";

describe("what is sent", () => {
  it("[MSG-2] [MSG-5] [MSG-11] name, arguments, namespace, client_name and metadata", async () => {
    const { parent, worker } = await composed();
    worker.onCall = (call) => worker.answer(call, "ok");
    const metadata = { correlation_id: "c-1", traceparent: "00-1-2-01", mine: [1] };
    await parent.callFunction("add", [1, "two"], { namespace: "math", clientName: "me", metadata });
    expect(worker.calls).toEqual([
      {
        type: "call",
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
        timestamp: expect.closeTo(Date.now() / 1000, -1),
        function: "add",
        args: [1, "two"],
        namespace: "math",
        client_name: "me",
        metadata,
      },
    ]);
  });

  it("[MSG-6] [MSG-7] a call without its own namespace and client name takes the parent's, else `default` and none", async () => {
    const plain = await composed();
    plain.worker.onCall = (call) => plain.worker.answer(call, 1);
    await plain.parent.callFunction("x");
    expect(plain.worker.calls[0]).toMatchObject({ namespace: "default", args: [] });
    expect(plain.worker.calls[0]).not.toHaveProperty("client_name");

    const named = await composed({ namespace: "ns", clientName: "cn" });
    named.worker.onCall = (call) => named.worker.answer(call, 1);
    await named.parent.callFunction("x");
    await named.parent.callFunction("x", [], undefined, "other", "else");
    expect(named.worker.calls).toMatchObject([
      { namespace: "ns", client_name: "cn" },
      { namespace: "other", client_name: "else" },
    ]);
  });

  it.each([
    ["announces undefined", ["undefined", "stream"], undefined],
    ["announces other features", ["stream"], null],
    ["announces nothing", undefined, null],
  ])(
    "[VAL-10] [MSG-16] a worker that %s: what it reads of an undefined argument with others behind",
    async (_what, features, read) => {
      const worker = await scriptedWorker();
      worker.features = features;
      worker.onCall = (call) => worker.answer(call, 1);
      const parent = composedParent(worker.memory);
      await parent.start();
      await parent.callFunction("find", [1, undefined, {}]);
      await parent.callFunction("find", [1, undefined, undefined]);
      expect(worker.calls.map(({ args }) => args)).toEqual([[1, read, {}], [1]]);
    },
  );

  it("[CALL-4] calls go out in the order in which they were made", async () => {
    const { parent, worker } = await composed();
    worker.onCall = (call) => worker.answer(call, call.args[0]);
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    expect(await Promise.all(numbers.map((n) => parent.callFunction("echo", [n])))).toEqual(numbers);
    expect(worker.calls.map(({ args }) => args[0])).toEqual(numbers);
  });
});

describe("binary data above 64 KiB", () => {
  it("is not copied: a call rejects when its memory is transferred before it is sent, and the next one is sent", async () => {
    const codec = createCodec();
    const server: ServerChannel = await zmtpServer({ bind: {} }).open({
      message(peer, bytes) {
        const message = codec.decode(bytes);
        if (message.type === "call") {
          server.send(peer, codec.encode(createResponse(message.id, message.args[0])));
        } else if (message.type === "heartbeat") {
          server.send(peer, codec.encode(answerHeartbeat(message)));
        }
      },
      up() {},
      down() {},
      dropped() {},
      failed() {},
      peerGone() {},
    });
    onTestFinished(() => server.close());
    const { port } = parseTcpEndpoint(server.endpoint) ?? {};
    const parent = new ParentWorker({ transport: zmtpClient({ connect: { port: port ?? 0 } }), logger: false });
    onTestFinished(() => parent.stop());
    await parent.start();
    const moved = new Uint8Array(70_000);
    const lost = errorOf<SerializationError>(parent.callFunction("echo", [moved]));
    structuredClone(moved, { transfer: [moved.buffer] });
    expect(await lost).toMatchObject({ name: "SerializationError", code: "UNSENDABLE_VALUE" });
    const kept = new Uint8Array(70_000).fill(7);
    expect(await parent.callFunction("echo", [kept])).toEqual(kept);
  });
});

describe("a timeout", () => {
  it("[CALL-1] [CALL-2] rejects with TimeoutError, which says how long it was and what to do", async () => {
    const { parent } = await composed({ name: "math" });
    const error = await errorOf<TimeoutError>(parent.callFunction("slow", [], 10));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ code: "TIMEOUT", timeoutMs: 10, functionName: "slow" });
    expect(error.message).toBe(
      "'slow' timed out after 10 ms. No answer came; math may still be running it. " +
        "Give it more with withOptions({ timeout }), or look at what the worker does.",
    );
  });

  it("defaultTimeout applies to calls without a timeout", async () => {
    const { parent } = await composed({ defaultTimeout: 5 });
    expect(await errorOf(parent.callFunction("slow"))).toMatchObject({ timeoutMs: 5 });
    expect(await errorOf(parent.withOptions({ timeout: 8 }).slow?.() as Promise<unknown>)).toMatchObject({
      timeoutMs: 8,
    });
  });

  it.each([0, -5, Number.NaN])("%s is refused with INVALID_OPTION, and nothing is sent", async (timeout) => {
    const { parent, worker } = await composed();
    const error = await errorOf<MultifrostError>(parent.callFunction("add", [], timeout));
    expect(error).toBeInstanceOf(MultifrostError);
    expect(error.message).toBe(
      `timeout must be a number of milliseconds above 0; leave it out for no limit, not ${timeout}.`,
    );
    expect(parent.metrics.requestsTotal).toBe(0);
    expect(worker.calls).toEqual([]);
  });

  it("[CALL-1] an answer after the timeout is dropped and counted, and answers nothing else", async () => {
    const { parent, worker } = await composed();
    await errorOf(parent.callFunction("slow", [], 5));
    await until(() => worker.calls.length === 1);
    worker.onCall = (call) => worker.answer(call, "second");
    worker.answer(worker.calls[0]!, "first");
    expect(await parent.callFunction("fast")).toBe("second");
    expect(parent.metrics.droppedMessages).toBe(1);
  });
});

describe("an AbortSignal", () => {
  it("[CALL-2] that has fired before the call: AbortError with its reason, and nothing is sent", async () => {
    const { parent, worker } = await composed();
    const reason = new Error("not now");
    const error = await errorOf(parent.callFunction("add", [], { signal: AbortSignal.abort(reason) }));
    expect(error).toBeInstanceOf(AbortError);
    expect(error).toMatchObject({ code: "ABORTED", message: "'add' was aborted before it was sent.", cause: reason });
    await parent.callFunction("ping", [], 20).catch(() => {});
    expect(worker.calls.map((call) => call.function)).toEqual(["ping"]);
  });

  it("that fires while the call waits: AbortError, and no failure of the worker", async () => {
    const { parent, worker } = await composed({ maxRestartAttempts: 1 });
    const controller = new AbortController();
    const call = errorOf(parent.callFunction("hang", [], { signal: controller.signal }));
    await until(() => worker.calls.length === 1);
    controller.abort("changed my mind");
    expect(await call).toMatchObject({
      message: "'hang' was aborted while it waited for the answer.",
      cause: "changed my mind",
    });
    expect(parent.circuitState).toBe("closed");
  });

  it("that fires after the answer does nothing, and one signal serves any number of calls", async () => {
    const { parent, worker } = await composed();
    worker.onCall = (call) => worker.answer(call, "ok");
    const warned = vi.fn();
    process.once("warning", warned);
    const controller = new AbortController();
    const { signal } = controller;
    const calls = Array.from({ length: 50 }, () => parent.callFunction("add", [], { signal }));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["ok"]));
    controller.abort();
    expect(parent.metrics).toMatchObject({ requestsSuccess: 50, requestsFailed: 0 });
    process.off("warning", warned);
    expect(warned).not.toHaveBeenCalled();
  });

  it("anything else is refused with INVALID_OPTION, and no call is left behind", async () => {
    const { parent } = await composed();
    const signal = {} as AbortSignal;
    expect(await errorOf(parent.callFunction("add", [], { signal }))).toMatchObject({ code: "INVALID_OPTION" });
    expect(parent.metrics.queueDepth).toBe(0);
  });
});

describe("a call that cannot go out", () => {
  it("[CALL-2] an argument that cannot be sent: SerializationError with its path, nothing sent, the breaker untouched", async () => {
    const { parent, worker } = await composed({ maxRestartAttempts: 1 });
    const error = await errorOf<SerializationError>(parent.callFunction("add", [{ callback() {} }]));
    expect(error).toBeInstanceOf(SerializationError);
    expect(error).toMatchObject({ code: "UNSENDABLE_VALUE", path: "args[0].callback" });
    await parent.callFunction("next", [], 20).catch(() => {});
    expect(worker.calls.map((call) => call.function)).toEqual(["next"]);
    expect(parent.metrics).toMatchObject({ requestsTotal: 1, circuitBreakerTrips: 1 });
  });

  it("a message above the limit: SerializationError MESSAGE_TOO_LARGE, and the connection lives on", async () => {
    const { parent, worker } = await composed({ limits: { maxMessageBytes: 1000 } });
    worker.onCall = (call) => worker.answer(call, "ok");
    const error = await errorOf(parent.callFunction("add", ["x".repeat(2000)]));
    expect(error).toMatchObject({ code: "MESSAGE_TOO_LARGE", name: "SerializationError" });
    expect(error.message).toMatch(/1000 .*limits\.maxMessageBytes.*Nothing was sent\./);
    expect(await parent.callFunction("add", ["x"])).toBe("ok");
  });

  it("beyond maxPendingBytes: OverloadError; one that is alone may be longer; settled calls make room", async () => {
    const { parent, worker } = await composed({ maxPendingBytes: 1000, name: "math" });
    const waiting = [parent.callFunction("a", ["x".repeat(2000)])];
    const error = await errorOf<OverloadError>(parent.callFunction("b"));
    expect(error).toMatchObject({ code: "OVERLOADED", limit: 1000, option: "maxPendingBytes", outcome: "not-sent" });
    expect(error.message).toBe(
      "'b' was not sent: calls of 1000 bytes or more together to math are waiting (maxPendingBytes). Await some of them first, use more " +
        "workers, or raise maxPendingBytes.",
    );
    worker.onCall = (call) => worker.answer(call, call.function);
    await until(() => worker.calls.length === 1);
    worker.calls.forEach(worker.onCall);
    expect(await Promise.all(waiting)).toEqual(["a"]);
    expect(await Promise.all(["x", "x"].map((text) => parent.callFunction("c", [text.repeat(200)])))).toEqual([
      "c",
      "c",
    ]);
  });

  it("a call that timed out counts in maxPendingBytes until the connection has taken its message", async () => {
    const { calls, current } = parentParts({ logger: false, maxPendingBytes: 1000 });
    const session = idleSession();
    session.queued = 1;
    current.use(session);
    const args = ["x".repeat(2000)];
    expect(await errorOf(calls.call("add", args, { timeout: 1 }))).toMatchObject({ code: "TIMEOUT" });
    expect(await errorOf(calls.call("add", args, {}))).toMatchObject({ code: "OVERLOADED" });
    session.queued = 0;
    expect(await errorOf(calls.call("add", args, { timeout: 1 }))).toMatchObject({ code: "TIMEOUT" });
  });

  it("values above 64 KiB do not count in maxPendingBytes: they are not copied", async () => {
    const { parent, worker } = await composed({ maxPendingBytes: 1000 });
    const large = new Uint8Array(100_000);
    const waiting = [parent.callFunction("a", [large]), parent.callFunction("a", [large])];
    await until(() => worker.calls.length === 2);
    for (const call of worker.calls) {
      worker.answer(call, "ok");
    }
    expect(await Promise.all(waiting)).toEqual(["ok", "ok"]);
  });

  it("beyond maxPending: OverloadError, nothing queued; below again: it goes out", async () => {
    const { parent, worker } = await composed({ maxPending: 2, name: "math" });
    const waiting = [parent.callFunction("a"), parent.callFunction("b")];
    const error = await errorOf<OverloadError>(parent.callFunction("c"));
    expect(error).toBeInstanceOf(OverloadError);
    expect(error).toMatchObject({ code: "OVERLOADED", limit: 2, option: "maxPending", outcome: "not-sent" });
    expect(error.message).toBe(
      "'c' was not sent: 2 calls to math are waiting (maxPending). Await some of them first, use more workers, or raise maxPending.",
    );
    await until(() => worker.calls.length === 2);
    worker.onCall = (call) => worker.answer(call, call.function);
    worker.calls.forEach(worker.onCall);
    expect(await Promise.all(waiting)).toEqual(["a", "b"]);
    expect(await parent.callFunction("d")).toBe("d");
  });

  it("before start(): NotRunningError that says what to do", async () => {
    const parent = composedParent((await scriptedWorker()).memory, { name: "math" });
    const error = await errorOf(parent.callFunction("add"));
    expect(error).toBeInstanceOf(NotRunningError);
    expect(error).toMatchObject({
      code: "NOT_RUNNING",
      state: "idle",
      message: "'add' was not sent: math is not started. Call `await worker.start()` first.",
    });
  });

  it("while it starts: NotRunningError that says to wait", async () => {
    const parent = composedParent((await scriptedWorker()).memory, { name: "math" });
    const starting = parent.start();
    expect(await errorOf(parent.callFunction("add"))).toMatchObject({
      state: "starting",
      message: "'add' was not sent: math is starting. Wait for `await worker.start()` first.",
    });
    await starting;
  });

  it("after stop(): NotRunningError that says what to do", async () => {
    const { parent } = await composed({ name: "math" });
    await parent.stop();
    expect(await errorOf(parent.callFunction("add"))).toMatchObject({
      state: "stopped",
      message: "'add' was not sent: math is stopped. stop() was called; create a new worker to go on.",
    });
  });

  it("a full send queue below: its OverloadError, and the call is not left waiting", async () => {
    const { memory } = await scriptedWorker();
    const client = memory.client();
    const full = new OverloadError("full", { limit: 1 });
    const parent = composedParent({
      ...memory,
      client: () => ({
        async open(events) {
          const channel = await client.open(events);
          const send = channel.send.bind(channel);
          channel.send = (bytes) => {
            if (Buffer.from(bytes).includes("flooding")) {
              throw full;
            }
            send(bytes);
          };
          return channel;
        },
      }),
    });
    await parent.start();
    expect(await errorOf(parent.callFunction("flooding"))).toBe(full);
    expect(parent.metrics.queueDepth).toBe(0);
  });
});

describe("the circuit breaker", () => {
  const failing = async (calls: number, parent: { callFunction(name: string, args: [], timeout: number): unknown }) => {
    for (let call = 0; call < calls; call++) {
      await errorOf(parent.callFunction("slow", [], 1) as Promise<unknown>);
    }
  };

  it("opens after maxRestartAttempts failures in a row; then CircuitOpenError, and nothing is sent", async () => {
    const { parent, worker } = await composed({ maxRestartAttempts: 3, circuitResetTimeout: 60, name: "math" });
    await failing(2, parent);
    expect(parent.circuitOpen).toBe(false);
    await failing(1, parent);
    expect(parent.circuitOpen).toBe(true);
    expect(parent.isHealthy).toBe(false);
    const before = Date.now();
    const error = await errorOf<CircuitOpenError>(parent.callFunction("add"));
    expect(error).toBeInstanceOf(CircuitOpenError);
    // Open for up to circuitResetTimeout, which began a moment before.
    expect(error.retryAt.getTime() - before).toBeGreaterThan(50_000);
    expect(error.retryAt.getTime() - before).toBeLessThanOrEqual(60_001);
    expect(error.message).toBe(
      "'add' was not sent: the circuit to math is open after repeated failures. The next trial call can go out at " +
        `${error.retryAt.toISOString()}; resetCircuit() closes it now.`,
    );
    await until(() => worker.calls.length === 3);
    expect(worker.calls.map((call) => call.function)).toEqual(["slow", "slow", "slow"]);
  });

  it("a success in between resets the count", async () => {
    const { parent, worker } = await composed({ maxRestartAttempts: 2, circuitResetTimeout: 60 });
    worker.onCall = (call) => call.function === "ok" && worker.answer(call, 1);
    await failing(1, parent);
    await parent.callFunction("ok");
    await failing(1, parent);
    expect(parent.circuitState).toBe("closed");
  });

  it("half-open lets one trial through and refuses the others; its success closes the circuit", async () => {
    const { parent, worker } = await composed({ maxRestartAttempts: 1, circuitResetTimeout: 0 });
    await failing(1, parent);
    expect(parent.circuitState).toBe("half-open");
    const trial = parent.callFunction("trial");
    expect(await errorOf(parent.callFunction("other"))).toMatchObject({ code: "CIRCUIT_OPEN" });
    await until(() => worker.calls.length === 2);
    worker.answer(worker.calls[1]!, "back");
    expect(await trial).toBe("back");
    expect(parent.circuitState).toBe("closed");
    expect(parent.isHealthy).toBe(true);
  });

  it("a trial that fails opens it again", async () => {
    const { parent } = await composed({ maxRestartAttempts: 1, circuitResetTimeout: 0.001 });
    await failing(1, parent);
    await until(() => parent.circuitState === "half-open");
    await failing(1, parent);
    expect(parent.metrics.circuitBreakerTrips).toBe(2);
  });

  it("a trial without a timeout keeps the others out for startTimeout at most, and goes on itself", async () => {
    const { parent, worker } = await composed({ maxRestartAttempts: 1, circuitResetTimeout: 0, startTimeout: 300 });
    worker.onCall = (call) => call.function === "quick" && worker.answer(call, "quick");
    await failing(1, parent);
    const trial = parent.callFunction("hang");
    expect(await errorOf(parent.callFunction("quick"))).toMatchObject({ code: "CIRCUIT_OPEN" });
    await until(async () => (await parent.callFunction("quick").catch(() => "refused")) === "quick");
    expect(parent.circuitState).toBe("closed");
    worker.answer(worker.calls.find((call) => call.function === "hang")!, "late");
    expect(await trial).toBe("late");
  });

  it("an aborted trial makes room for the next", async () => {
    const { parent, worker } = await composed({ maxRestartAttempts: 1, circuitResetTimeout: 0 });
    worker.onCall = (call) => call.function === "quick" && worker.answer(call, "quick");
    await failing(1, parent);
    const controller = new AbortController();
    const trial = errorOf(parent.callFunction("hang", [], { signal: controller.signal }));
    controller.abort();
    await trial;
    expect(await parent.callFunction("quick")).toBe("quick");
    expect(parent.circuitState).toBe("closed");
  });

  it("an argument that cannot be sent frees the trial's place too", async () => {
    const { parent, worker } = await composed({ maxRestartAttempts: 1, circuitResetTimeout: 0 });
    worker.onCall = (call) => call.function === "quick" && worker.answer(call, "quick");
    await failing(1, parent);
    await errorOf(parent.callFunction("hang", [() => {}]));
    expect(await parent.callFunction("quick")).toBe("quick");
  });

  it("a method that throws again and again is refused, and no other", async () => {
    const { parent, worker } = await composed({ maxRestartAttempts: 2, circuitResetTimeout: 60, name: "math" });
    worker.onCall = (call) => (call.function === "parse" ? worker.fail(call, "bad input") : worker.answer(call, 3));
    const changes: unknown[] = [];
    parent.on("circuit", ({ to, functionName }) => changes.push([to, functionName]));
    for (let count = 0; count < 2; count += 1) {
      expect(await errorOf(parent.callFunction("parse"))).toMatchObject({ code: "REMOTE_ERROR" });
      expect(await parent.callFunction("add")).toBe(3);
    }
    const refused = await errorOf<CircuitOpenError>(parent.callFunction("parse"));
    expect(refused).toMatchObject({ code: "CIRCUIT_OPEN" });
    expect(refused.message).toMatch(/^'parse' was not sent: in math it failed again and again, .* isFailure\.$/);
    expect(await parent.callFunction("add")).toBe(3);
    expect([parent.circuitState, parent.isHealthy]).toEqual(["closed", true]);
    expect(changes).toEqual([["open", "parse"]]);
    parent.resetCircuit();
    expect(await errorOf(parent.callFunction("parse"))).toMatchObject({ code: "REMOTE_ERROR" });
  });

  it("of a method lets one trial through, and frees its place where the trial says nothing", async () => {
    const { parent, worker } = await composed({ maxRestartAttempts: 1, circuitResetTimeout: 0 });
    worker.onCall = (call) => call.function === "parse" && worker.fail(call, "bad input");
    await errorOf(parent.callFunction("parse"));
    worker.onCall = () => {};
    const controller = new AbortController();
    const trial = errorOf(parent.callFunction("parse", [], { signal: controller.signal }));
    expect(await errorOf(parent.callFunction("parse"))).toMatchObject({ code: "CIRCUIT_OPEN" });
    controller.abort();
    await trial;
    await errorOf(parent.callFunction("parse", [() => {}]));
    worker.onCall = (call) => worker.answer(call, "parsed");
    expect(await parent.callFunction("parse")).toBe("parsed");
    expect(await parent.callFunction("parse")).toBe("parsed");
  });

  it("resetCircuit() closes it at once", async () => {
    const { parent } = await composed({ maxRestartAttempts: 1, circuitResetTimeout: 60 });
    await failing(1, parent);
    parent.resetCircuit();
    expect(parent.circuitState).toBe("closed");
    expect(parent.metrics.circuitBreakerResets).toBe(1);
  });
});

/** Calls on a session that takes everything. */
function running(given: Parameters<typeof parentParts>[0] = {}) {
  const clock = createFakeClock();
  const parts = parentParts(given, undefined, clock);
  const session = idleSession();
  parts.current.use(session);
  const sent = () => session.send.mock.calls.map(([bytes]) => parts.context.codec.decode(bytes));
  return { ...parts, clock, session, sent };
}

describe("why a call is refused", () => {
  it("comes in this order: the state, the signal, maxPending, the circuit; only the last takes the circuit's trial", async () => {
    const { calls, current, telemetry } = running({ maxPending: 1, circuitResetTimeout: 0 });
    const waiting = calls.call("waits", [], {});
    waiting.catch(() => {});
    telemetry.breaker.trip("x");
    const signal = AbortSignal.abort();
    expect(await errorOf(calls.call("add", [], { signal }))).toMatchObject({ code: "ABORTED" });
    expect(await errorOf(calls.call("add", [], {}))).toMatchObject({ code: "OVERLOADED" });
    calls.rejectAll(() => new Error("make room"));
    calls.call("trial", [], {}).catch(() => {});
    calls.rejectAll(() => new AbortError("free the trial"));
    calls.call("trial again", [], {}).catch(() => {});
    current.enter("exited");
    expect(await errorOf(calls.call("add", [], { signal }))).toMatchObject({ code: "NOT_RUNNING" });
  });
});

describe("the end of a call", () => {
  it("[CALL-1] comes once: later answers find no call", async () => {
    const { calls, sent } = running();
    const call = calls.call("add", [], {});
    const id = sent()[0]?.id ?? "";
    expect(calls.resolve(createResponse(id, 3) as never, 0)).toBe(true);
    expect(calls.resolve(createResponse(id, 4) as never, 0)).toBe(false);
    expect(calls.reject(id, () => new Error("late"))).toBe(false);
    expect(await call).toBe(3);
  });

  it("cancels its deadline, which no longer keeps the process alive, and removes its listener from the signal", async () => {
    const { calls, sent, clock } = running();
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, "removeEventListener");
    const call = calls.call("add", [], { timeout: 1000, signal });
    expect(clock.keepsProcessAlive).toBe(true);
    calls.resolve(createResponse(sent()[0]?.id ?? "", 3) as never, 0);
    await call;
    expect(clock.keepsProcessAlive).toBe(false);
    expect(removed).toHaveBeenCalledOnce();
  });

  it("is logged before its promise settles", async () => {
    const { calls, sent, records } = running();
    const order: string[] = [];
    const call = calls.call("add", [], {}).then(() => order.push("resolved"));
    calls.resolve(createResponse(sent()[0]?.id ?? "", 3) as never, 0);
    order.push(...records.map(([, { event }]) => event));
    await call;
    expect(order).toEqual(["request_start", "request_end", "resolved"]);
  });

  it("ask() returns the metadata of the answer with the result", async () => {
    const { calls, sent } = running();
    const answer = calls.ask("listFunctions", {});
    calls.resolve({ ...createResponse(sent()[0]?.id ?? "", ["add"]), metadata: { mine: 1 } } as never, 0);
    expect(await answer).toEqual({ value: ["add"], metadata: { mine: 1 } });
  });
});

describe("calls while the worker is away", () => {
  it("wait, and are sent in order when it is back; rejectSent() leaves them", async () => {
    const { calls, current, sent, session } = running();
    const first = errorOf(calls.call("sent", [], {}));
    current.release();
    current.enter("restarting");
    const second = calls.call("waits", [], {});
    const third = calls.call("waits too", [], {});
    calls.rejectSent((call) => new Error(`lost ${call.name}`));
    expect((await first).message).toBe("lost sent");
    expect(calls.size).toBe(2);
    current.use(session);
    calls.sendWaiting();
    expect(sent().map((message) => (message as { function?: string }).function)).toEqual([
      "sent",
      "waits",
      "waits too",
    ]);
    for (const { id } of sent().slice(1)) {
      calls.resolve(createResponse(id, "back") as never, 0);
    }
    expect(await Promise.all([second, third])).toEqual(["back", "back"]);
  });

  it("rejectWaiting() leaves those that were sent", async () => {
    const { calls, current } = running();
    calls.call("sent", [], {}).catch(() => {});
    current.enter("restarting");
    const waiting = errorOf(calls.call("waits", [], {}));
    calls.rejectWaiting((call) => new Error(`stopped ${call.name}`));
    expect((await waiting).message).toBe("stopped waits");
    expect(calls.size).toBe(1);
  });

  it("allAnswered() resolves when the last call that was sent has settled, and at once where there is none", async () => {
    const { calls, current, sent } = running();
    await calls.allAnswered();
    calls.call("one", [], {}).catch(() => {});
    calls.call("two", [], {}).catch(() => {});
    current.enter("restarting");
    calls.call("waits", [], {}).catch(() => {});
    const answered = vi.fn();
    const waiting = calls.allAnswered().then(answered);
    const [one, two] = sent();
    calls.resolve(createResponse(one?.id ?? "", 1) as never, 0);
    await new Promise(setImmediate);
    expect(answered).not.toHaveBeenCalled();
    calls.resolve(createResponse(two?.id ?? "", 1) as never, 0);
    await waiting;
    expect(calls.size).toBe(1);
    await calls.allAnswered();
  });
});
