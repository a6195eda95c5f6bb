// A worker on bare ZeroMQ that sends what no worker of ours would: nothing is answered wrongly, everything is counted.

import type { LogRecord } from "@multifrost/reliability";
import { describe, expect, it } from "vitest";
import type { ParentWorker } from "../../src/index.js";
import { startFixture } from "../support/spawned.js";
import { errorOf, until } from "../support/until.js";

type Hostile = Record<string, (value?: unknown) => unknown>;

const started = (): Promise<ParentWorker<Hostile>> => startFixture<Hostile>("hostile-router.mjs");

describe("from a hostile worker", () => {
  it.each([
    ["garbage", "after garbage", 3],
    ["otherApp", "for you", 1],
    ["unknownIds", "known", 2],
    ["newType", "the answer", 1],
    ["wrongFrames", "after wrong frames", 2],
    ["flood", "after the flood", 500],
  ])("[NET-5] [NET-6] %s is dropped and counted, and the call gets its answer", async (name, result, dropped) => {
    const worker = await started();
    expect(await worker.callFunction(name, [], 15_000)).toBe(result);
    expect(worker.metrics.droppedMessages).toBe(dropped);
    expect(await worker.callFunction("right", ["still here"])).toBe("still here");
    expect(worker.isHealthy).toBe(true);
  });

  it("[CALL-1] an answer that comes twice settles the call once; the second is counted", async () => {
    const worker = await started();
    expect(await worker.callFunction("twice")).toBe("first");
    expect(await worker.callFunction("right", [1])).toBe(1);
    expect(worker.metrics).toMatchObject({ droppedMessages: 1, requestsSuccess: 2 });
  });

  it("[NET-6] an answer that cannot be read rejects its call", async () => {
    const worker = await started();
    const error = await errorOf(worker.callFunction("unreadable"));
    expect(error).toMatchObject({ name: "SerializationError", code: "MALFORMED_MESSAGE" });
    expect(error.message).toMatch(/^hostile-router\.mjs answered 'unreadable' with something that cannot be read\. /);
    expect(worker.metrics.droppedMessages).toBe(1);
  });

  it("a flood of garbage is one line in the log and not one for each message", async () => {
    const warnings: LogRecord[] = [];
    const logger = { info() {}, error() {}, warn: (record: LogRecord) => void warnings.push(record) };
    const worker = await startFixture<Hostile>("hostile-router.mjs", { logger });
    await worker.callFunction("flood");
    await until(() => worker.metrics.droppedMessages === 500);
    expect(warnings.length).toBeGreaterThan(0);
    expect(warnings.length).toBeLessThan(10);
    expect(warnings[0]).toMatchObject({ event: "message_dropped", details: { reason: "MALFORMED_MESSAGE" } });
  });
});
