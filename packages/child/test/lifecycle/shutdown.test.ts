import { createCall, createCodec } from "@multifrost/protocol";
import type { ServiceRegistry } from "@multifrost/registry";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { CallRunner } from "../../src/calls/call-runner.js";
import { MethodTable } from "../../src/calls/method-table.js";
import { Lifecycle } from "../../src/lifecycle/lifecycle.js";
import { type ChildOptions, resolveChildOptions } from "../../src/options.js";
import { OutputForwarder } from "../../src/output/output-forwarder.js";
import { Session } from "../../src/session/session.js";
import { FakeTransport } from "../support/fake-channel.js";
import { keepingLogger } from "../support/log.js";
import { networkClient } from "../support/network.js";
import { openParent } from "../support/parent.js";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A lifecycle that has started, with a method `hold` that returns when `release` is called. */
async function started(given: ChildOptions) {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { logger, records, events } = keepingLogger();
  const lifecycle = new Lifecycle(resolveChildOptions({ logger, forwardOutput: true, ...given }), () => {});
  const worker = Object.create({ hold: () => held });
  await lifecycle.start("default", () => new MethodTable(worker, Object.prototype, ["hold"]));
  onTestFinished(() => {
    release();
    return lifecycle.stop();
  });
  return { lifecycle, release, records, events };
}

async function startedOverFake(given: ChildOptions = {}) {
  const { write } = process.stdout;
  const transport = new FakeTransport();
  const parts = await started({ transport, ...given });
  const hold = (): void => transport.events.message("parent", createCodec().encode(createCall({ function: "hold" })));
  return { ...parts, ...transport, transport, hold, outputIsBack: () => process.stdout.write === write };
}

/** The names of those that were called, in order. */
function inOrder(mocks: Record<string, { mock: { invocationCallOrder: number[] } }>): string[] {
  return Object.entries(mocks)
    .flatMap(([name, { mock }]) => mock.invocationCallOrder.map((order) => ({ name, order })))
    .sort((a, b) => a.order - b.order)
    .map(({ name }) => name);
}

describe("the shutdown of a child", () => {
  test("is in order: withdrawn, calls finished, closed, output given back", async () => {
    const unregister = vi.fn(async () => true);
    const registry: ServiceRegistry = {
      register: async (registration) => ({ ...registration, pid: process.pid }),
      unregister,
      discover: () => expect.unreachable(),
      list: () => expect.unreachable(),
      prune: () => expect.unreachable(),
    };
    const steps = {
      unregister,
      drain: vi.spyOn(CallRunner.prototype, "drain"),
      abandon: vi.spyOn(CallRunner.prototype, "abandon"),
      close: vi.spyOn(Session.prototype, "close"),
      restore: vi.spyOn(OutputForwarder.prototype, "restore"),
    };
    const { lifecycle, release, events } = await started({ serviceId: "math", registry });
    const port = Number(lifecycle.endpoint?.split(":").at(-1));
    const parent = await openParent(networkClient({ connect: { port } }));
    const { id } = parent.fire("hold");
    await parent.heartbeat();
    const stopping = lifecycle.stop();
    await new Promise(setImmediate);
    expect(inOrder(steps)).toEqual(["unregister", "drain"]);
    release();
    await stopping;
    expect(inOrder(steps)).toEqual(["unregister", "drain", "abandon", "close", "restore"]);
    expect(await parent.answer(id)).toMatchObject({ type: "response" });
    expect(events().indexOf("service_unregistered")).toBeGreaterThan(0);
    expect(events().at(-1)).toBe("worker_stop");
  });

  test("gives queued answers 30 s to go out, and logs what was left", async () => {
    const { lifecycle, channel, records, transport, hold } = await startedOverFake({
      stopTimeout: 0,
      maxConcurrency: 1,
    });
    hold();
    hold();
    for (let count = 0; count < 7; count++) {
      transport.events.message("parent", Uint8Array.of(0xc1));
    }
    await lifecycle.stop();
    expect(channel.closed).toEqual([{ flushTimeoutMs: 30_000 }]);
    expect(records.at(-1)).toMatchObject({
      event: "worker_stop",
      details: { unfinishedCalls: 2, droppedMessages: 7 },
    });
  });

  test("waits for calls in flight no longer than stopTimeout", async () => {
    const { lifecycle, channel, hold, outputIsBack } = await startedOverFake({ stopTimeout: 5_000 });
    hold();
    vi.useFakeTimers();
    const stopping = lifecycle.stop();
    await vi.advanceTimersByTimeAsync(4_999);
    expect([channel.closed.length, outputIsBack()]).toEqual([0, false]);
    await vi.advanceTimersByTimeAsync(1);
    await stopping;
    expect([channel.closed.length, outputIsBack()]).toEqual([1, true]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("waits as long as it takes with a stopTimeout of Infinity", async () => {
    const { lifecycle, channel, hold, release } = await startedOverFake({ stopTimeout: Number.POSITIVE_INFINITY });
    hold();
    vi.useFakeTimers();
    const stopping = lifecycle.stop();
    await vi.advanceTimersByTimeAsync(24 * 3600 * 1000);
    expect(channel.closed).toEqual([]);
    release();
    await stopping;
    expect(channel.closed).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("goes on where the channel cannot be closed", async () => {
    const { lifecycle, channel, events, outputIsBack } = await startedOverFake();
    channel.close = () => Promise.reject(new Error("no"));
    await lifecycle.stop();
    expect(outputIsBack()).toBe(true);
    expect(events().slice(-2)).toEqual(["worker_stop", "socket_disconnect"]);
  });

  test("goes on where the service cannot be unregistered", async () => {
    const close = vi.spyOn(Session.prototype, "close");
    const registry: ServiceRegistry = {
      register: async (registration) => ({ ...registration, pid: process.pid }),
      unregister: () => Promise.reject(new Error("locked")),
      discover: () => expect.unreachable(),
      list: () => expect.unreachable(),
      prune: () => expect.unreachable(),
    };
    const { lifecycle, events } = await started({ serviceId: "math", registry });
    await lifecycle.stop();
    expect(close).toHaveBeenCalledOnce();
    expect(events().slice(-2)).toEqual(["registry_warning", "worker_stop"]);
  });
});
