// The class that callers use, over a memory transport: its forms of calling, its events, its numbers and its log.

import { channel } from "node:diagnostics_channel";
import { createCodec, createError, createOutput } from "@multifrost/protocol";
import { MultifrostError, type RemoteCallError } from "@multifrost/protocol/errors";
import { eventChannelName, type LogEvent, type LogLevel, type LogRecord } from "@multifrost/reliability";
import { createMemoryTransport } from "@multifrost/transport";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type ComposedOptions, ParentWorker } from "../src/index.js";
import { composed, composedParent, type Scripted, scriptedWorker } from "./support/composed.js";
import { errorOf, until } from "./support/until.js";

/** A worker that knows these functions, and refuses all others in the words of older implementations. */
function knowing(worker: Scripted, known: Record<string, unknown>): void {
  worker.onCall = (call) => {
    if (Object.hasOwn(known, call.function)) {
      worker.answer(call, known[call.function]);
    } else {
      worker.send({ type: "error", id: call.id, timestamp: 1, error: `Function '${call.function}' not found` });
    }
  };
}

describe("the forms of a call", () => {
  it("call, call.withOptions, withOptions and callFunction all make the same call", async () => {
    const { parent, worker } = await composed<{ add(a: number, b: number): number }>();
    worker.onCall = (call) => worker.answer(call, (call.args[0] as number) + (call.args[1] as number));
    const options = { timeout: 5000, namespace: "ns", clientName: "me" };
    expect(await parent.call.add(1, 2)).toBe(3);
    expect(await parent.call.withOptions(options).add(1, 2)).toBe(3);
    expect(await parent.withOptions(options).add(1, 2)).toBe(3);
    expect(await parent.callFunction<number>("add", [1, 2])).toBe(3);
    expect(await parent.callFunction("add", [1, 2], 5000, "ns", "me")).toBe(3);
    expect(await parent.callFunction("add", [1, 2], options)).toBe(3);
    expect(worker.calls.map(({ function: name, args }) => [name, args])).toEqual(Array(6).fill(["add", [1, 2]]));
    expect(worker.calls.map(({ namespace, client_name }) => [namespace, client_name])).toEqual([
      ["default", undefined],
      ["ns", "me"],
      ["ns", "me"],
      ["default", undefined],
      ["ns", "me"],
      ["ns", "me"],
    ]);
  });

  it("two chains in flight keep their own options", async () => {
    const { parent, worker } = await composed();
    const [quick, slow] = [parent.withOptions({ timeout: 5 }), parent.withOptions({ timeout: 60_000, namespace: "b" })];
    const calls = [errorOf(quick.x?.() as Promise<unknown>), slow.x?.()];
    expect(await calls[0]).toMatchObject({ timeoutMs: 5 });
    await until(() => worker.calls.length === 2);
    worker.answer(worker.calls[1]!, "slow");
    expect(await calls[1]).toBe("slow");
    expect(worker.calls.map(({ namespace }) => namespace)).toEqual(["default", "b"]);
  });

  it("[MSG-8] a call without arguments and a result that is left out", async () => {
    const { parent, worker } = await composed();
    worker.onCall = (call) => worker.answer(call, undefined);
    expect(await parent.callFunction("nothing")).toBeUndefined();
    expect(worker.calls[0]?.args).toEqual([]);
  });

  it("an impossible call rejects its promise and never throws", async () => {
    const parent = composedParent(createMemoryTransport());
    const call = parent.callFunction("x");
    expect(await errorOf(call)).toMatchObject({ code: "NOT_RUNNING" });
  });
});

describe("listFunctions()", () => {
  it.each([
    ["listFunctions", "JavaScript and Rust"],
    ["list_functions", "Python"],
    ["ListFunctions", "Go"],
  ])("[CALL-7] asks by the name %s, as %s has it", async (name) => {
    const { parent, worker } = await composed({ maxRestartAttempts: 1 });
    knowing(worker, { [name]: ["add", "sub"] });
    expect(await parent.listFunctions()).toEqual(["add", "sub"]);
    expect(parent.circuitState).toBe("closed");
  });

  it("a worker that knows none of them: the first refusal", async () => {
    const { parent, worker } = await composed();
    knowing(worker, {});
    const error = await errorOf<RemoteCallError>(parent.listFunctions());
    expect(error).toMatchObject({ code: "FUNCTION_NOT_FOUND", functionName: "listFunctions" });
    expect(worker.calls).toHaveLength(3);
  });

  it("takes options, and does not go on to the next name after a timeout", async () => {
    const { parent, worker } = await composed();
    expect(await errorOf(parent.listFunctions({ timeout: 5, namespace: "ns" }))).toMatchObject({ code: "TIMEOUT" });
    await until(() => worker.calls.length > 0);
    expect(worker.calls).toMatchObject([{ function: "listFunctions", namespace: "ns" }]);
  });
});

describe("events", () => {
  it("message: every message from the worker, before it is handled", async () => {
    const { parent, worker } = await composed();
    const types: string[] = [];
    parent.on("message", ({ type }) => types.push(type));
    worker.onCall = (call) => {
      worker.send(createOutput("stdout", "a line"));
      worker.answer(call, 1);
    };
    parent.on("stdout", () => {});
    await parent.callFunction("x");
    expect(types.filter((type) => type !== "heartbeat")).toEqual(["stdout", "response"]);
  });

  it("[MSG-10] stdout and stderr: the worker's lines", async () => {
    const { parent, worker } = await composed();
    const lines: unknown[] = [];
    parent.on("stdout", (line) => lines.push(["stdout", line]));
    parent.on("stderr", (line) => lines.push(["stderr", line]));
    worker.send(createOutput("stdout", "one"));
    worker.send(createOutput("stderr", "two"));
    await until(() => lines.length === 2);
    expect(lines).toEqual([
      ["stdout", "one"],
      ["stderr", "two"],
    ]);
  });

  it("state: each change, with the state before it", async () => {
    const parent = composedParent((await scriptedWorker()).memory);
    const states: unknown[] = [];
    parent.on("state", (state, before) => states.push([before, state]));
    await parent.start();
    await parent.stop();
    expect(states).toEqual([
      ["idle", "starting"],
      ["starting", "running"],
      ["running", "stopping"],
      ["stopping", "stopped"],
    ]);
  });

  it("circuit: each change; heartbeat: each answer", async () => {
    const { parent } = await composed({ maxRestartAttempts: 1, circuitResetTimeout: 60, heartbeatInterval: 0.01 });
    const changes: unknown[] = [];
    parent.on("circuit", ({ from, to, reason }) => changes.push([from, to, reason]));
    const beat = await new Promise((resolve) => parent.once("heartbeat", resolve));
    expect(beat).toEqual({ rttMs: expect.any(Number) });
    await errorOf(parent.callFunction("x", [], 1));
    parent.resetCircuit();
    expect(changes).toEqual([
      ["closed", "open", "failures"],
      ["open", "closed", "reset by the user"],
    ]);
  });

  it("a listener that throws causes an uncaught exception, and the call settles all the same", async () => {
    const { parent, worker } = await composed();
    worker.onCall = (call) => worker.answer(call, "ok");
    const thrown: unknown[] = [];
    const real = globalThis.queueMicrotask;
    const later = vi.spyOn(globalThis, "queueMicrotask").mockImplementation((task) =>
      real(() => {
        try {
          task();
        } catch (error) {
          thrown.push(error);
        }
      }),
    );
    onTestFinished(() => later.mockRestore());
    const mistake = new Error("a listener's mistake");
    parent.on("message", () => {
      throw mistake;
    });
    expect(await parent.callFunction("x")).toBe("ok");
    expect(thrown).toContain(mistake);
  });
});

describe("metrics", () => {
  it("is a snapshot of everything counted, the same as getMetrics()", async () => {
    const { parent, worker } = await composed();
    worker.onCall = (call) => call.function === "ok" && worker.answer(call, 1);
    await Promise.all([parent.callFunction("ok"), parent.callFunction("ok")]);
    await errorOf(parent.callFunction("slow", [], 5));
    const { metrics } = parent;
    expect(metrics).toEqual({
      requestsTotal: 3,
      requestsSuccess: 2,
      requestsFailed: 1,
      errorRate: 1 / 3,
      latencyMs: expect.objectContaining({
        avg: expect.any(Number),
        p99: expect.any(Number),
        last: expect.any(Number),
      }),
      queueDepth: 0,
      queueMaxDepth: 2,
      circuitBreakerTrips: 0,
      circuitBreakerResets: 0,
      circuitBreakerState: "closed",
      heartbeat: { rttLastMs: expect.any(Number), rttAvgMs: expect.any(Number), misses: 0 },
      restarts: 0,
      reloads: 0,
      droppedMessages: 0,
      refusedConnections: 0,
      timestamp: expect.closeTo(Date.now(), -5),
    });
    expect(parent.getMetrics()).toEqual({ ...parent.metrics, timestamp: expect.any(Number) });
  });
});

describe("the log", () => {
  function recording() {
    const records: [LogLevel, LogRecord][] = [];
    const at = (level: LogLevel) => (record: LogRecord) => void records.push([level, record]);
    return { records, logger: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") } };
  }

  it("has the events from start to stop, in order, each with the worker's id", async () => {
    const { records, logger } = recording();
    const { parent, worker } = await composed({ logger, name: "math" });
    worker.onCall = (call) => (call.function === "fail" ? fail(worker, call.id) : worker.answer(call, 1));
    await parent.callFunction("add", [], { metadata: { correlation_id: "c-1" } });
    await errorOf(parent.callFunction("fail"));
    await parent.stop();
    expect(records.map(([level, { event }]) => `${level} ${event}`)).toEqual([
      "info socket_connect",
      "info worker_start",
      "debug request_start",
      "debug request_end",
      "debug request_start",
      "info request_error",
      "info worker_stop",
    ]);
    for (const [, record] of records) {
      expect(record).toMatchObject({ workerId: "math", timestamp: expect.any(Number) });
    }
  });

  function fail(worker: Scripted, id: string): void {
    worker.send(createError(id, { name: "RangeError", message: "no" }));
  }

  it("has no warning from an orderly start to stop, and no broken connection at the end", async () => {
    const { records, logger } = recording();
    const { parent, worker } = await composed({ logger });
    worker.onCall = (call) => worker.answer(call, 1);
    await parent.callFunction("add");
    await parent.stop();
    await worker.channel.close();
    expect(records.filter(([level]) => level === "warn" || level === "error")).toEqual([]);
  });

  it("warns of a connection that breaks, and says when it is back", async () => {
    const { records, logger } = recording();
    const { parent, worker } = await composed({ logger, name: "math" });
    worker.memory.disconnect();
    await until(() => parent.state === "reconnecting");
    worker.memory.reconnect();
    await until(() => parent.state === "running");
    expect(records.slice(2)).toMatchObject([
      ["warn", { event: "socket_disconnect", message: "The connection to math broke." }],
      ["info", { event: "socket_reconnect", message: "The connection to math is back." }],
    ]);
  });

  it("goes to node:diagnostics_channel too, whatever the logger", async () => {
    const events: LogEvent[] = [];
    const hear = (event: unknown): void => void events.push(event as LogEvent);
    const ended = channel(eventChannelName("request_end"));
    ended.subscribe(hear);
    onTestFinished(() => void ended.unsubscribe(hear));
    const { parent, worker } = await composed({ logger: false, name: "math" });
    worker.onCall = (call) => worker.answer(call, 1);
    await parent.callFunction("add", [], { metadata: { correlation_id: "c-1" } });
    expect(events).toMatchObject([
      {
        event: "request_end",
        level: "debug",
        workerId: "math",
        functionName: "add",
        correlationId: "c-1",
        requestId: worker.calls[0]?.id,
        durationMs: expect.any(Number),
      },
    ]);
  });
});

describe("creating one", () => {
  it("without a transport is refused, naming spawn() and connect()", () => {
    const make = () => new ParentWorker({} as ComposedOptions);
    expect(make).toThrow(MultifrostError);
    expect(make).toThrow(
      "new ParentWorker() needs the option transport, a ClientTransport. To start a worker use ParentWorker.spawn(), to find one ParentWorker.connect().",
    );
  });

  it("checks its options at once, also for a worker that is spawned", () => {
    expect(() => ParentWorker.spawn("./worker.js", { heartbeatInterval: -1 })).toThrow(/^heartbeatInterval must be /);
    expect(() => ParentWorker.spawn("./worker.js", "node", { maxPending: 0 })).toThrow(/^maxPending must be /);
    expect(() => ParentWorker.spawn("./worker.js", { transport: "tcp" as "zmtp" })).toThrow(
      "transport must be 'auto', 'zmtp' or 'zeromq', not \"tcp\".",
    );
  });

  it("a spawned worker is called by its script's name, unless it is given one", () => {
    expect(ParentWorker.spawn("./some/math-worker.ts").name).toBe("math-worker.ts");
    expect(ParentWorker.spawn(new URL("file:///some/math-worker.ts")).name).toBe("math-worker.ts");
    expect(ParentWorker.spawn("./worker.js", { name: "math" }).name).toBe("math");
    expect(composedParent(createMemoryTransport()).name).toBe("worker");
  });

  it("[MSG-1] another app id is the codec's: only workers with the same one answer", async () => {
    const worker = await scriptedWorker(createMemoryTransport(), createCodec({ app: "comlink_ipc_v4" }));
    worker.onCall = (call) => worker.answer(call, "v4");
    const parent = composedParent(worker.memory, { app: "comlink_ipc_v4" });
    await parent.start();
    expect(await parent.callFunction("x")).toBe("v4");
  });
});
