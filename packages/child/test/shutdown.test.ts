import { EVENT_LEVELS } from "@multifrost/protocol/internal";
import { EventLog, systemClock } from "@multifrost/reliability";
import type { ServerChannel } from "@multifrost/transport";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { CallRunner } from "../src/call/incoming-call.js";
import { type EndOptions, endInOrder } from "../src/shutdown.js";
import { keepingLogger } from "./support/log.js";

afterEach(() => {
  vi.useRealTimers();
});

/** Parts that write down what is done to them; `drained` ends the calls in flight. */
function stage(options: Partial<EndOptions> = {}) {
  const done: string[] = [];
  const { logger, told, events } = keepingLogger();
  let drained: () => void = () => {};
  const calls: CallRunner = {
    pending: 2,
    take() {},
    drain() {
      done.push("no more calls");
      return new Promise((resolve) => {
        drained = resolve;
      });
    },
    abandon: () => void done.push("abandon the rest"),
  };
  const channel: ServerChannel = {
    endpoint: "memory://local",
    queued: 0,
    send() {},
    close: async (close) => void done.push(`close, flush ${close?.flushTimeoutMs} ms`),
  };
  const parts: EndOptions = {
    calls,
    channel,
    announcement: { serviceId: "math", port: 1, withdraw: async () => void done.push("withdraw") },
    forwarder: { restore: () => void done.push("restore output") },
    watch: { connectionUp() {}, connectionDown() {}, stop: () => void done.push("stop watching") },
    events: new EventLog({ levels: EVENT_LEVELS, clock: systemClock(), logger }),
    drops: { count: 7 },
    drainMs: 5_000,
    ...options,
  };
  return { parts, done, told, events, drained: () => drained() };
}

describe("the end of a child", () => {
  test("is in order: no calls, withdrawn, drained, closed, output given back", async () => {
    const { parts, done, drained, told } = stage();
    const ending = endInOrder(parts);
    await new Promise(setImmediate);
    expect(done).toEqual(["withdraw", "no more calls"]);
    drained();
    await ending;
    expect(done.slice(2)).toEqual(["abandon the rest", "stop watching", "close, flush 1000 ms", "restore output"]);
    expect(told).toMatchObject([
      { event: "service_unregistered" },
      { event: "worker_stop", details: { unfinishedCalls: 2, droppedMessages: 7 } },
    ]);
  });

  test("does not wait longer than it is told for calls in flight", async () => {
    vi.useFakeTimers();
    const { parts, done } = stage({ drainMs: 5_000 });
    const ending = endInOrder(parts);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(done).not.toContain("restore output");
    await vi.advanceTimersByTimeAsync(1);
    await ending;
    expect(done).toContain("restore output");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("with no limit waits as long as it takes", async () => {
    vi.useFakeTimers();
    const { parts, done, drained } = stage({ drainMs: Number.POSITIVE_INFINITY });
    const ending = endInOrder(parts);
    await vi.advanceTimersByTimeAsync(24 * 3600 * 1000);
    expect(done).not.toContain("abandon the rest");
    drained();
    await ending;
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a step that fails does not keep the next from being done", async () => {
    const { parts, done, drained, events } = stage({
      announcement: { serviceId: "math", port: 1, withdraw: () => Promise.reject(new Error("locked")) },
    });
    const ending = endInOrder({
      ...parts,
      channel: { ...parts.channel, close: () => Promise.reject(new Error("no")) },
    });
    drained();
    await ending;
    expect(done).toContain("restore output");
    expect(events()).toEqual(["registry_warning", "worker_stop", "socket_disconnect"]);
  });
});
