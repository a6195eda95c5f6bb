import { createCall, createHeartbeat } from "@multifrost/protocol";
import { createMemoryTransport, type MemoryTransport } from "@multifrost/transport";
import { describe, expect, onTestFinished, test } from "vitest";
import { type ChildOptions, ChildWorker } from "../src/index.js";
import { openParent, type StandInParent } from "./support/parent.js";
import { until } from "./support/until.js";

class MathWorker extends ChildWorker {
  readonly begun: string[] = [];
  #release: () => void = () => {};

  add(a: number, b: number): number {
    return a + b;
  }
  async divide(a: number, b: number): Promise<number> {
    if (b === 0) {
      throw new RangeError("division by zero");
    }
    return a / b;
  }
  hold(): Promise<string> {
    this.begun.push("hold");
    return new Promise((resolve) => {
      this.#release = () => resolve("held");
    });
  }
  release(): void {
    this.#release();
  }
  callback(): () => void {
    return () => {};
  }
}

function compose(options: ChildOptions = {}): { worker: MathWorker; transport: MemoryTransport } {
  const transport = createMemoryTransport();
  const worker = new MathWorker({ transport: transport.server, logger: false, ...options });
  onTestFinished(() => worker.stop());
  return { worker, transport };
}

async function started(options: ChildOptions = {}): Promise<{ worker: MathWorker; parent: StandInParent }> {
  const { worker, transport } = compose(options);
  await worker.start();
  return { worker, parent: await openParent(transport.client()) };
}

describe("a worker over a given transport", () => {
  test("answers calls", async () => {
    const { parent } = await started();
    expect(await parent.call("add", [1, 2])).toMatchObject({ type: "response", result: 3 });
    expect(await parent.call("divide", [1, 0])).toMatchObject({ type: "error", error: "division by zero" });
    expect(await parent.call("ad", [1, 2])).toMatchObject({ error: "Function 'ad' not found; did you mean 'add'?" });
    expect(await parent.call("callback")).toMatchObject({ type: "error" });
    expect(await parent.call("listFunctions")).toMatchObject({
      result: ["add", "callback", "divide", "hold", "release"],
      metadata: { interface: { functions: { add: { parameters: [{ name: "a" }, { name: "b" }] } } } },
    });
  });

  test("answers heartbeats while a call runs", async () => {
    const { worker, parent } = await started({ maxConcurrency: 1 });
    const held = parent.fire("hold");
    parent.fire("add", [1, 1]);
    expect(await parent.heartbeat()).toMatchObject({ type: "heartbeat", metadata: { hb_response: true } });
    expect(worker.begun).toEqual(["hold"]);
    worker.release();
    await parent.answer(held.id);
  });

  test("does not forward output by default", async () => {
    const { write } = process.stdout;
    const { worker } = await started();
    expect(process.stdout.write).toBe(write);
    await worker.stop();
  });

  test("may set its namespace as a field", async () => {
    class Named extends ChildWorker {
      override readonly namespace = "math";
      one(): number {
        return 1;
      }
    }
    const transport = createMemoryTransport();
    const worker = new Named({ transport: transport.server });
    onTestFinished(() => worker.stop());
    await worker.start();
    const parent = await openParent(transport.client());
    expect(await parent.call("one", [], { namespace: "math" })).toMatchObject({ result: 1 });
    expect(await parent.call("one")).toMatchObject({ error: "No namespace 'default' here; this worker's is 'math'" });
  });

  test("counts dropped messages", async () => {
    const { worker, parent } = await started();
    expect(worker.droppedMessages).toBe(0);
    parent.sendBytes(Uint8Array.of(0xc1));
    await parent.heartbeat();
    expect(worker.droppedMessages).toBe(1);
  });

  test("has its service id and its namespace", () => {
    const { worker } = compose({ serviceId: "math", namespace: "numbers" });
    expect([worker.serviceId, worker.namespace]).toEqual(["math", "numbers"]);
    expect(new MathWorker("by-name").serviceId).toBe("by-name");
    expect(new MathWorker().serviceId).toBeUndefined();
  });
});

describe("start", () => {
  test("twice is ALREADY_STARTED, and the worker goes on", async () => {
    const { worker, parent } = await started();
    await expect(worker.start()).rejects.toMatchObject({
      code: "ALREADY_STARTED",
      message: "start() was called on a worker that is running. A worker starts once; make a new one to start again.",
    });
    expect(await parent.call("add", [1, 2])).toMatchObject({ result: 3 });
  });

  test("while it starts, and after it stopped, is ALREADY_STARTED too", async () => {
    const { worker } = compose();
    const starting = worker.start();
    await expect(worker.start()).rejects.toMatchObject({ message: expect.stringContaining("that is starting.") });
    await starting;
    await worker.stop();
    await expect(worker.start()).rejects.toMatchObject({ message: expect.stringContaining("that is stopped.") });
  });

  test("rejects with the transport's error, and leaves nothing running", async () => {
    const { transport } = compose();
    const first = new MathWorker({ transport: transport.server });
    onTestFinished(() => first.stop());
    await first.start();
    const second = new MathWorker({ transport: transport.server });
    await expect(second.start()).rejects.toMatchObject({ code: "UNREACHABLE" });
    await second.stop();
  });

  test("rejects with what listFunctions throws", async () => {
    class Broken extends ChildWorker {
      override listFunctions(): string[] {
        throw new Error("not today");
      }
    }
    const worker = new Broken({ transport: createMemoryTransport().server });
    await expect(worker.start()).rejects.toThrow("not today");
  });
});

describe("stop", () => {
  test("resolves before start, and when called again, at the same time or later", async () => {
    const { worker } = compose();
    await Promise.all([worker.stop(), worker.stop()]);
    await worker.stop();
  });

  test("during start, leaves nothing open: the transport takes another worker", async () => {
    const { worker, transport } = compose();
    const starting = worker.start();
    await worker.stop();
    await starting;
    const next = new MathWorker({ transport: transport.server });
    onTestFinished(() => next.stop());
    await next.start();
  });

  test("lets calls in flight finish and answers them; calls that arrive meanwhile are answered with an error", async () => {
    const { worker, parent } = await started();
    const held = parent.fire("hold");
    await until(() => worker.begun.length === 1);
    const stopping = worker.stop();
    expect(await parent.call("add", [1, 2])).toMatchObject({
      type: "error",
      error: "This worker is stopping and takes no more calls",
    });
    worker.release();
    expect(await parent.answer(held.id)).toMatchObject({ type: "response", result: "held" });
    await stopping;
  });

  test("waits for calls in flight no longer than stopTimeout, and answers those that have not started", async () => {
    const { worker, parent } = await started({ stopTimeout: 30, maxConcurrency: 1 });
    parent.fire("hold");
    const waiting = parent.fire("add", [1, 2]);
    await until(() => worker.begun.length === 1);
    await parent.heartbeat();
    await worker.stop();
    expect(await parent.answer(waiting.id)).toMatchObject({
      error: "This worker is stopping and takes no more calls",
    });
  });

  test("follows a parent's shutdown where it allows one", async () => {
    const { worker, parent } = await started({ allowRemoteShutdown: true });
    const held = parent.fire("hold");
    parent.shutdown();
    const late = parent.fire("add", [1, 2]);
    expect(await parent.answer(late.id)).toMatchObject({ type: "error" });
    worker.release();
    expect(await parent.answer(held.id)).toMatchObject({ result: "held" });
    await expect(worker.start()).rejects.toMatchObject({ code: "ALREADY_STARTED" });
  });

  test("never rejects, even where start did", async () => {
    const transport = { open: () => Promise.reject(new Error("no way")) };
    const worker = new MathWorker({ transport });
    const starting = worker.start();
    await Promise.all([worker.stop(), expect(starting).rejects.toThrow("no way")]);
  });
});

test("an answer to a heartbeat is not answered, and a call with any text as its id is", async () => {
  const { parent } = await started();
  parent.send({ ...createHeartbeat(), metadata: { hb_response: true } });
  parent.send({ ...createCall({ function: "add", args: [2, 2] }), id: "any text" });
  expect(await parent.answer("any text")).toMatchObject({ result: 4 });
  expect(parent.received).toHaveLength(1);
});

test("[NET-9] takes what a parent gave out of the environment when it is made, before it is started", () => {
  const given = ["COMLINK_ZMQ_PORT", "COMLINK_WORKER_MODE", "MULTIFROST_ENDPOINT", "MULTIFROST_TOKEN"];
  onTestFinished(() => {
    for (const name of given) {
      delete process.env[name];
    }
    Reflect.deleteProperty(process, Symbol.for("multifrost.spawnedWorker"));
  });
  for (const name of given) {
    process.env[name] = "40123";
  }
  new MathWorker({ transport: createMemoryTransport().server });
  expect(Object.keys(process.env)).toEqual(expect.arrayContaining(given));
  new MathWorker();
  expect(given.filter((name) => name in process.env)).toEqual([]);
});
