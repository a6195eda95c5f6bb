import { type CallMessage, createCall, createCodec, type ErrorParts, type Message } from "@multifrost/protocol";
import { describe, expect, test } from "vitest";
import {
  type CallRunner,
  type CallRunnerOptions,
  createCallRunner,
  type IncomingCall,
} from "../../src/call/incoming-call.js";
import type { Method } from "../../src/call/method-table.js";
import { until } from "../support/until.js";

const codec = createCodec();

interface Stage {
  runner: CallRunner;
  answers: Message[];
  /** What was told, in order. */
  told: string[];
  errors: (ErrorParts | undefined)[];
  call(name: string, args?: readonly unknown[], namespace?: string): CallMessage;
}

function stage(methods: Record<string, Method>, options: Partial<CallRunnerOptions> = {}): Stage {
  const answers: Message[] = [];
  const told: string[] = [];
  const errors: (ErrorParts | undefined)[] = [];
  const tell = (event: string, call: IncomingCall): void => void told.push(`${event} ${call.message.function}`);
  const runner = createCallRunner({
    codec,
    methods: {
      names: Object.keys(methods),
      find(name) {
        const method = methods[name];
        return method === undefined
          ? { found: false, code: "FUNCTION_NOT_FOUND", reason: `Function '${name}' not found` }
          : { found: true, method };
      },
    },
    namespace: "default",
    otherNamespaces: "answer",
    maxConcurrency: Number.POSITIVE_INFINITY,
    maxPending: 1_000,
    send: (_peer, bytes) => void answers.push(codec.decode(bytes)),
    began: (call) => tell("began", call),
    ended(call, error) {
      tell("ended", call);
      errors.push(error);
    },
    unanswered: (call) => tell("unanswered", call),
    ignored: (call) => tell("ignored", call),
    ...options,
  });
  const call = (name: string, args: readonly unknown[] = [], namespace = "default"): CallMessage => {
    const message = createCall({ function: name, args, namespace });
    runner.take({ peer: "parent", message, arrivedAt: performance.now() });
    return message;
  };
  return { runner, answers, told, errors, call };
}

/** A method that returns when the test says so. */
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
    const { call, answers, told, errors } = stage({ add: async (a, b) => (a as number) + (b as number) });
    const { id } = call("add", [1, 2]);
    await until(() => answers.length === 1);
    expect(answers).toMatchObject([{ type: "response", id, result: 3 }]);
    expect(told).toEqual(["began add", "ended add"]);
    expect(errors).toEqual([undefined]);
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
    const { call, answers } = stage({
      fail() {
        throw thrown;
      },
      reject: () => Promise.reject(thrown),
      next: () => "goes on",
    });
    const ids = [call("fail").id, call("reject").id, call("next").id];
    await until(() => answers.length === 3);
    const byId = ids.map((id) => answers.find((answer) => answer.id === id));
    expect(byId).toMatchObject([
      { type: "error", metadata: { error: parts } },
      { type: "error", metadata: { error: parts } },
      { type: "response", result: "goes on" },
    ]);
  });

  test("with an error where what it returns is awaited in vain: a thenable that throws", async () => {
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: a hostile result is what this is about.
      then() {
        throw new Error("never");
      },
    };
    const { call, answers } = stage({ give: () => thenable });
    call("give");
    await until(() => answers.length === 1);
    expect(answers).toMatchObject([{ type: "error", error: "never" }]);
  });

  test("with an error where there is no such method", async () => {
    const { call, answers, told } = stage({});
    call("nothing");
    await until(() => answers.length === 1);
    expect(answers).toMatchObject([
      {
        type: "error",
        error: "Function 'nothing' not found",
        metadata: { error: { name: "RefusedCall", code: "FUNCTION_NOT_FOUND" } },
      },
    ]);
    expect(told).toEqual(["began nothing", "ended nothing"]);
  });

  test("and where no answer can be sent at all, that is told and the next call runs", async () => {
    let full = true;
    const sent: Message[] = [];
    const { call, told } = stage(
      { add: () => 1 },
      {
        send(_peer, bytes) {
          if (full) {
            throw new Error("full");
          }
          sent.push(codec.decode(bytes));
        },
      },
    );
    call("add");
    await until(() => told.length === 2);
    full = false;
    call("add");
    await until(() => sent.length === 1);
    expect(told).toEqual(["began add", "unanswered add", "began add", "ended add"]);
  });
});

describe("[CALL-5] concurrency", () => {
  test("by default a slow call does not hold up a fast one", async () => {
    const slow = gate();
    const { call, answers } = stage({ slow: slow.method, fast: () => "fast" });
    const first = call("slow");
    const second = call("fast");
    await until(() => answers.length === 1);
    slow.open("slow");
    await until(() => answers.length === 2);
    expect(answers).toMatchObject([
      { id: second.id, result: "fast" },
      { id: first.id, result: "slow" },
    ]);
  });

  test("maxConcurrency 1: none begins before the one before it has ended, and they are answered in order", async () => {
    const slow = gate();
    const { call, answers, told } = stage({ slow: slow.method, fast: () => "fast" }, { maxConcurrency: 1 });
    const ids = [call("slow").id, call("fast").id, call("slow").id];
    await new Promise(setImmediate);
    expect(told).toEqual(["began slow"]);
    slow.open();
    await until(() => answers.length === 2);
    slow.open();
    await until(() => answers.length === 3);
    expect(answers.map(({ id }) => id)).toEqual(ids);
    expect(told).toEqual(["began slow", "ended slow", "began fast", "ended fast", "began slow", "ended slow"]);
  });

  test("maxConcurrency 2: two run, the third waits", async () => {
    const slow = gate();
    const { call, told, runner } = stage({ slow: slow.method }, { maxConcurrency: 2 });
    call("slow");
    call("slow");
    call("slow");
    expect(told).toEqual(["began slow", "began slow"]);
    expect(runner.pending).toBe(3);
    slow.open();
    await until(() => told.filter((event) => event === "began slow").length === 3);
  });

  test("maxPending: one more is answered with an error at once, and room comes back", async () => {
    const slow = gate();
    const { call, answers } = stage({ slow: slow.method }, { maxConcurrency: 1, maxPending: 2 });
    call("slow");
    call("slow");
    const refused = call("slow");
    expect(answers).toMatchObject([
      {
        id: refused.id,
        error: "Too many calls are waiting here (maxPending 2); call again later",
        metadata: { error: { code: "OVERLOADED" } },
      },
    ]);
    slow.open();
    await until(() => answers.length === 2);
    const taken = call("slow");
    slow.open();
    await until(() => answers.length === 3);
    slow.open();
    await until(() => answers.some(({ id }) => id === taken.id));
  });

  test("calls that keep the processor busy let the event loop turn between them", async () => {
    const busy = (): void => {
      const end = performance.now() + 15;
      while (performance.now() < end) {}
    };
    const { call, answers } = stage({ busy });
    for (let count = 0; count < 20; count++) {
      call("busy");
    }
    await new Promise(setImmediate);
    expect(answers.length).toBeLessThan(10);
    await until(() => answers.length === 20);
  });
});

describe("namespaces", () => {
  test("[MSG-6] a call for another namespace is answered with an error that names the worker's own", () => {
    const { call, answers } = stage({ add: () => 1 }, { namespace: "math" });
    const { id } = call("add", [], "default");
    expect(answers).toMatchObject([
      {
        id,
        error: "No namespace 'default' here; this worker's is 'math'",
        metadata: { error: { code: "WRONG_NAMESPACE" } },
      },
    ]);
  });

  test("[MSG-6] or ignored, where that is asked for; also while it stops", async () => {
    const { call, answers, told, runner } = stage({ add: () => 1 }, { namespace: "math", otherNamespaces: "ignore" });
    call("add", [], "default");
    await runner.drain();
    call("add", [], "default");
    call("add", [], "math");
    expect(told).toEqual(["ignored add", "ignored add", "ended add"]);
    expect(answers).toHaveLength(1);
  });
});

describe("the end", () => {
  test("drains what is running and waiting, and answers it", async () => {
    const slow = gate();
    const { call, answers, runner } = stage({ slow: slow.method }, { maxConcurrency: 1 });
    call("slow");
    call("slow");
    let drained = false;
    const draining = runner.drain().then(() => {
      drained = true;
    });
    slow.open("one");
    await until(() => answers.length === 1);
    expect(drained).toBe(false);
    slow.open("two");
    await draining;
    expect(answers).toMatchObject([{ result: "one" }, { result: "two" }]);
    expect(runner.pending).toBe(0);
  });

  test("with nothing to do, drains at once", async () => {
    await stage({}).runner.drain();
  });

  test("a call that comes afterwards is answered with an error", async () => {
    const { call, answers, runner } = stage({ add: () => 1 });
    await runner.drain();
    const { id } = call("add");
    expect(answers).toMatchObject([
      {
        id,
        error: "This worker is stopping and takes no more calls",
        metadata: { error: { name: "NotRunningError" } },
      },
    ]);
  });

  test("calls that are abandoned before they began are answered with an error and never run", async () => {
    const slow = gate();
    const { call, answers, runner, told } = stage({ slow: slow.method, add: () => 1 }, { maxConcurrency: 1 });
    call("slow");
    const { id } = call("add");
    void runner.drain();
    runner.abandon();
    expect(answers).toMatchObject([{ id, error: "This worker is stopping and takes no more calls" }]);
    slow.open();
    await until(() => answers.length === 2);
    expect(told).not.toContain("began add");
  });
});
