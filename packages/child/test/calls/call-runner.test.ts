import { type CallMessage, createCall, createCodec, type Message } from "@multifrost/protocol";
import type { RareEvent } from "@multifrost/reliability";
import { describe, expect, test } from "vitest";
import { type CallOptions, CallRunner } from "../../src/calls/call-runner.js";
import { CallTelemetry, clock } from "../../src/calls/call-telemetry.js";
import { type Method, MethodTable } from "../../src/calls/method-table.js";
import { Peers } from "../../src/session/peers.js";
import { FakeChannel } from "../support/fake-channel.js";
import { eventLog, keepingLogger } from "../support/log.js";
import { until } from "../support/until.js";

const codec = createCodec();

interface Bench {
  runner: CallRunner;
  channel: FakeChannel;
  drops: RareEvent;
  answers(): Message[];
  /** Every call's events in order, such as `request_start add`. */
  events(): string[];
  call(name: string, args?: readonly unknown[], namespace?: string): CallMessage;
  /** A call of this parent, which takes so many bytes. */
  callOf(peer: string, name: string, args?: readonly unknown[], bytes?: number): CallMessage;
}

function setUp(methods: Record<string, Method>, options: Partial<CallOptions> = {}): Bench {
  const channel = new FakeChannel();
  const { logger, records } = keepingLogger();
  const { events, drops } = eventLog(logger);
  const runner = new CallRunner(
    {
      namespace: "default",
      otherNamespaces: "answer",
      maxConcurrency: Number.POSITIVE_INFINITY,
      maxPending: 1_000,
      maxPendingBytes: 1_000_000,
      ...options,
    },
    codec,
    new MethodTable(Object.create(methods), Object.prototype, Object.keys(methods)),
    new Peers(channel),
    new CallTelemetry(events, drops),
  );
  const call = (name: string, args: readonly unknown[] = [], namespace = "default"): CallMessage => {
    const message = createCall({ function: name, args, namespace });
    runner.take({ peer: "parent", message, arrivedAt: clock.now(), bytes: 100 });
    return message;
  };
  const callOf: Bench["callOf"] = (peer, name, args = [], bytes = 100) => {
    const message = createCall({ function: name, args });
    runner.take({ peer, message, arrivedAt: clock.now(), bytes });
    return message;
  };
  return {
    runner,
    channel,
    drops,
    answers: () => channel.sent.map(({ bytes }) => codec.decode(bytes)),
    events: () => records.map(({ event, functionName }) => `${event} ${functionName}`),
    call,
    callOf,
  };
}

/** A method that returns when it is opened. */
function gate(): { method: Method; open(value?: unknown): void } {
  const waiting: ((value: unknown) => void)[] = [];
  return {
    method: () => new Promise((resolve) => waiting.push(resolve)),
    open: (value) => waiting.shift()?.(value),
  };
}

const proxyThatThrows = new Proxy(
  {},
  {
    get(): never {
      throw new Error("hands off");
    },
    has(): never {
      throw new Error("hands off");
    },
  },
);

describe("[CALL-1] every call is answered once", () => {
  test("with what the method returns, awaited", async () => {
    const { call, answers, events } = setUp({ add: async (a, b) => (a as number) + (b as number) });
    const { id } = call("add", [1, 2]);
    await until(() => answers().length === 1);
    expect(answers()).toMatchObject([{ type: "response", id, result: 3 }]);
    expect(events()).toEqual(["request_start add", "request_end add"]);
  });

  test.each<[string, unknown, Record<string, unknown>]>([
    ["an error", new RangeError("too far"), { name: "RangeError", message: "too far" }],
    ["an error with a code", Object.assign(new Error("gone"), { code: "ENOENT" }), { code: "ENOENT" }],
    ["text", "just text", { name: "Error", message: "just text" }],
    ["a number", 42, { message: "42" }],
    ["undefined", undefined, { message: "undefined" }],
    ["null", null, { message: "null" }],
    ["a symbol", Symbol("odd"), { message: "Symbol(odd)" }],
    ["a plain object", { message: "like an error" }, { message: "like an error" }],
    ["an object without a prototype", Object.create(null), { name: "Error", message: expect.any(String) }],
    ["an error whose message is no text", Object.assign(new Error("x"), { message: { a: 1 } }), { name: "Error" }],
    ["an object that throws at every touch", proxyThatThrows, { name: "Error", message: expect.any(String) }],
  ])("with an error where the method throws or rejects with %s", async (_what, thrown, parts) => {
    const { call, answers } = setUp({
      fail() {
        throw thrown;
      },
      reject: () => Promise.reject(thrown),
      next: () => "goes on",
    });
    const ids = [call("fail").id, call("reject").id, call("next").id];
    await until(() => answers().length === 3);
    const byId = ids.map((id) => answers().find((answer) => answer.id === id));
    expect(byId).toMatchObject([
      { type: "error", metadata: { error: parts } },
      { type: "error", metadata: { error: parts } },
      { type: "response", result: "goes on" },
    ]);
  });

  test("with an error where the method returns a thenable that throws", async () => {
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: a hostile result is what this is about.
      then() {
        throw new Error("never");
      },
    };
    const { call, answers } = setUp({ give: () => thenable });
    call("give");
    await until(() => answers().length === 1);
    expect(answers()).toMatchObject([{ type: "error", error: "never" }]);
  });

  test("with an error where there is no such method", async () => {
    const { call, answers, events } = setUp({});
    call("nothing");
    await until(() => answers().length === 1);
    expect(answers()).toMatchObject([
      {
        type: "error",
        error: "Function 'nothing' not found",
        metadata: { error: { name: "RefusedCall", code: "FUNCTION_NOT_FOUND" } },
      },
    ]);
    expect(events()).toEqual(["request_start nothing", "request_error nothing"]);
  });

  test("or counted as dropped where no answer can be sent at all, and the next call runs", () => {
    const { call, answers, events, channel, drops } = setUp({ add: () => 1 });
    channel.refusal = new Error("full");
    call("add");
    expect(drops.count).toBe(1);
    channel.refusal = undefined;
    call("add");
    expect(answers()).toHaveLength(1);
    expect(events()).toEqual(["request_start add", "message_dropped add", "request_start add", "request_end add"]);
  });
});

describe("[CALL-5] concurrency", () => {
  test("by default a slow call does not hold up a fast one", async () => {
    const slow = gate();
    const { call, answers } = setUp({ slow: slow.method, fast: () => "fast" });
    const first = call("slow");
    const second = call("fast");
    await until(() => answers().length === 1);
    slow.open("slow");
    await until(() => answers().length === 2);
    expect(answers()).toMatchObject([
      { id: second.id, result: "fast" },
      { id: first.id, result: "slow" },
    ]);
  });

  test("maxConcurrency 1: each call starts after the one before it has ended, and answers keep the order", async () => {
    const slow = gate();
    const { call, answers, events } = setUp({ slow: slow.method, fast: () => "fast" }, { maxConcurrency: 1 });
    const ids = [call("slow").id, call("fast").id, call("slow").id];
    await new Promise(setImmediate);
    expect(events()).toEqual(["request_start slow"]);
    slow.open();
    await until(() => answers().length === 2);
    slow.open();
    await until(() => answers().length === 3);
    expect(answers().map(({ id }) => id)).toEqual(ids);
    expect(events()).toEqual([
      "request_start slow",
      "request_end slow",
      "request_start fast",
      "request_end fast",
      "request_start slow",
      "request_end slow",
    ]);
  });

  test("maxConcurrency 2: two run, the third waits", async () => {
    const slow = gate();
    const { call, events, runner } = setUp({ slow: slow.method }, { maxConcurrency: 2 });
    call("slow");
    call("slow");
    call("slow");
    expect(events()).toEqual(["request_start slow", "request_start slow"]);
    expect(runner.pending).toBe(3);
    slow.open();
    await until(() => events().filter((event) => event === "request_start slow").length === 3);
  });

  test("maxPending: one call more is answered with an error at once; answered calls make room", async () => {
    const slow = gate();
    const { call, answers } = setUp({ slow: slow.method }, { maxConcurrency: 1, maxPending: 2 });
    call("slow");
    call("slow");
    const refused = call("slow");
    expect(answers()).toMatchObject([
      {
        id: refused.id,
        error: "Too many calls are waiting here (maxPending 2); call again later",
        metadata: { error: { code: "OVERLOADED" } },
      },
    ]);
    slow.open();
    await until(() => answers().length === 2);
    const taken = call("slow");
    slow.open();
    await until(() => answers().length === 3);
    slow.open();
    await until(() => answers().some(({ id }) => id === taken.id));
  });

  test("maxPending: a parent with less than an equal share may call although all have too many calls", async () => {
    const slow = gate();
    const { callOf, answers, runner } = setUp({ slow: slow.method }, { maxPending: 4 });
    for (let count = 0; count < 5; count++) {
      callOf("greedy", "slow");
    }
    expect(answers()).toMatchObject([{ error: "Too many calls are waiting here (maxPending 4); call again later" }]);
    callOf("modest", "slow");
    callOf("modest", "slow");
    callOf("modest", "slow");
    expect(answers()).toHaveLength(2);
    expect(runner.pending).toBe(6);
    for (let count = 0; count < 6; count++) {
      slow.open();
    }
    await until(() => runner.pending === 0);
  });

  test("maxPendingBytes: calls are refused for their memory; one that is alone is not", async () => {
    const slow = gate();
    const { callOf, answers } = setUp({ slow: slow.method }, { maxPendingBytes: 1000 });
    callOf("one", "slow", [], 5000);
    callOf("one", "slow", [], 1);
    expect(answers()).toMatchObject([
      { error: "Too many calls are waiting here (maxPendingBytes 1000); call again later" },
    ]);
    callOf("two", "slow", [], 400);
    callOf("two", "slow", [], 400);
    expect(answers()).toHaveLength(2);
    slow.open();
    slow.open();
    await until(() => answers().length === 4);
  });

  test("parents take turns where calls wait: one with many does not hold up another", async () => {
    const order: unknown[] = [];
    const slow = gate();
    const note = (text: unknown): void => void order.push(text);
    const { callOf, runner } = setUp({ slow: slow.method, note }, { maxConcurrency: 1 });
    callOf("greedy", "slow");
    for (let count = 0; count < 100; count++) {
      callOf("greedy", "note", [`greedy ${count}`]);
    }
    callOf("modest", "note", ["modest 0"]);
    callOf("modest", "note", ["modest 1"]);
    slow.open();
    await until(() => runner.pending === 0);
    expect(order.slice(0, 5)).toEqual(["greedy 0", "modest 0", "greedy 1", "modest 1", "greedy 2"]);
    expect(order.slice(5)).toEqual(Array.from({ length: 97 }, (_, index) => `greedy ${index + 3}`));
  });

  test("between calls that keep the processor busy, the event loop turns", async () => {
    const busy = (): void => {
      const end = performance.now() + 15;
      while (performance.now() < end) {}
    };
    const { call, answers } = setUp({ busy });
    for (let count = 0; count < 20; count++) {
      call("busy");
    }
    await new Promise(setImmediate);
    expect(answers().length).toBeLessThan(10);
    await until(() => answers().length === 20);
  });
});

describe("namespaces", () => {
  test("[MSG-6] a call for another namespace is answered with an error that names the worker's own", () => {
    const { call, answers } = setUp({ add: () => 1 }, { namespace: "math" });
    const { id } = call("add", [], "default");
    expect(answers()).toMatchObject([
      {
        id,
        error: "No namespace 'default' here; this worker's is 'math'",
        metadata: { error: { code: "WRONG_NAMESPACE" } },
      },
    ]);
  });

  test("[MSG-6] or ignored with otherNamespaces `ignore`, also while the worker stops", async () => {
    const { call, answers, drops, runner } = setUp({ add: () => 1 }, { namespace: "math", otherNamespaces: "ignore" });
    call("add", [], "default");
    await runner.drain();
    call("add", [], "default");
    const { id } = call("add", [], "math");
    expect(drops.count).toBe(2);
    expect(answers()).toMatchObject([{ id, error: "This worker is stopping and takes no more calls" }]);
  });
});

describe("stopping", () => {
  test("drains: calls running and waiting are finished and answered", async () => {
    const slow = gate();
    const { call, answers, runner } = setUp({ slow: slow.method }, { maxConcurrency: 1 });
    call("slow");
    call("slow");
    let drained = false;
    const draining = runner.drain().then(() => {
      drained = true;
    });
    slow.open("one");
    await until(() => answers().length === 1);
    expect(drained).toBe(false);
    slow.open("two");
    await draining;
    expect(answers()).toMatchObject([{ result: "one" }, { result: "two" }]);
    expect(runner.pending).toBe(0);
  });

  test("without calls, drains at once", async () => {
    await setUp({}).runner.drain();
  });

  test("a call that arrives afterwards is answered with an error", async () => {
    const { call, answers, runner } = setUp({ add: () => 1 });
    await runner.drain();
    const { id } = call("add");
    expect(answers()).toMatchObject([
      {
        id,
        error: "This worker is stopping and takes no more calls",
        metadata: { error: { name: "RefusedCall", code: "STOPPING" } },
      },
    ]);
  });

  test("calls that are abandoned before they start are answered with an error and never run", async () => {
    const slow = gate();
    const { call, answers, runner, events } = setUp({ slow: slow.method, add: () => 1 }, { maxConcurrency: 1 });
    call("slow");
    const { id } = call("add");
    void runner.drain();
    runner.abandon();
    expect(answers()).toMatchObject([{ id, error: "This worker is stopping and takes no more calls" }]);
    slow.open();
    await until(() => answers().length === 2);
    expect(events()).not.toContain("request_start add");
  });
});
