import { type ChannelFaultOptions, ChannelFaults, testChannelContract, testWorker } from "@multifrost/testing";
import { createMemoryTransport } from "multifrost";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MathWorker } from "./workers.js";

/** Sends 1000 numbered messages through faults; resolves to what arrived, in the order in which it did. */
async function sendThrough(options: ChannelFaultOptions): Promise<{ arrived: string[]; faults: ChannelFaults }> {
  const faults = new ChannelFaults({ seed: 1, maxDelayMs: 5, ...options });
  const memory = createMemoryTransport();
  const arrived: string[] = [];
  const server = await faults.server(memory.server).open({
    ...EVENTS,
    message: (_peer, bytes) => void arrived.push(Buffer.from(bytes).toString("latin1")),
    peerGone() {},
  });
  const client = await memory.client().open({ ...EVENTS, message() {} });
  for (let index = 0; index < 1000; index += 1) {
    client.send(Buffer.from(String(index)));
  }
  // What is late arrives before `peerGone`.
  await client.close({ flushTimeoutMs: 5_000 });
  await vi.waitUntil(() => arrived.length >= 1000 - faults.counts.drop + faults.counts.duplicate);
  await server.close();
  return { arrived, faults };
}

const EVENTS = { up() {}, down() {}, dropped() {}, failed() {} };
const IN_ORDER = Array.from({ length: 1000 }, (_, index) => String(index));
const numeric = (texts: readonly string[]): string[] => texts.toSorted((a, b) => Number(a) - Number(b));

it("loses a share of the messages, the same ones for the same seed", async () => {
  const [first, again, other] = [
    await sendThrough({ drop: 0.3 }),
    await sendThrough({ drop: 0.3 }),
    await sendThrough({ drop: 0.3, seed: 2 }),
  ];
  expect(first.arrived).toEqual(again.arrived);
  expect(first.arrived).not.toEqual(other.arrived);
  expect(first.arrived.length).toBeGreaterThan(600);
  expect(first.arrived.length).toBeLessThan(800);
  expect(first.arrived).toEqual(numeric(first.arrived));
  expect(first.faults.counts).toMatchObject({ drop: 1000 - first.arrived.length, delay: 0 });
});

it("doubles, reorders and delays a share, and loses none", async () => {
  const doubled = await sendThrough({ duplicate: 0.2 });
  expect(doubled.arrived).toHaveLength(1000 + doubled.faults.counts.duplicate);
  expect([...new Set(doubled.arrived)]).toEqual(IN_ORDER);
  const reordered = await sendThrough({ reorder: 0.2 });
  expect(reordered.arrived).not.toEqual(IN_ORDER);
  expect(numeric(reordered.arrived)).toEqual(IN_ORDER);
  const delayed = await sendThrough({ delay: 0.2 });
  expect(delayed.arrived).toEqual(IN_ORDER);
  expect(delayed.faults.counts.delay).toBeGreaterThan(100);
});

it("changes bytes of a share, the same ones for the same seed", async () => {
  const [first, again] = [await sendThrough({ corrupt: 0.2 }), await sendThrough({ corrupt: 0.2 })];
  expect(first.arrived).toEqual(again.arrived);
  const changed = first.arrived.filter((text, index) => text !== String(index));
  expect(changed).toHaveLength(first.faults.counts.corrupt);
  expect(changed.length).toBeGreaterThan(100);
});

it("a fault that is switched on leaves those of the others as they were", async () => {
  const alone = await sendThrough({ drop: 0.1 });
  const both = await sendThrough({ drop: 0.1, delay: 0.1 });
  expect(both.arrived).toEqual(alone.arrived);
});

it("a cut connection rejects the calls in flight and comes back, also under load", async () => {
  const faults = new ChannelFaults({ seed: 3 });
  await using worker = await testWorker(new MathWorker(), { faults, logger: false });
  for (let round = 0; round < 5; round += 1) {
    const calls = Array.from({ length: 20 }, (_, index) => worker.call.later(index));
    await worker.call.add(1, 2);
    faults.cut();
    const outcomes = await Promise.allSettled(calls);
    for (const [index, outcome] of outcomes.entries()) {
      expect(outcome.status === "fulfilled" ? outcome.value : outcome.reason.code).toBe(
        outcome.status === "fulfilled" ? index : "CONNECTION_LOST",
      );
    }
    expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);
    expect(await worker.call.add(round, 1)).toBe(round + 1);
  }
  expect(faults.counts.cut).toBe(5);
});

it("every call settles whatever happens to messages", async () => {
  const faults = new ChannelFaults({
    seed: 4,
    drop: 0.03,
    duplicate: 0.05,
    reorder: 0.05,
    corrupt: 0.03,
    delay: 0.1,
    cut: 0.02,
  });
  faults.enabled = false;
  const worker = await testWorker(new MathWorker(), {
    faults,
    logger: false,
    defaultTimeout: 100,
    circuitResetTimeout: 0,
    maxRestartAttempts: 10_000,
  });
  faults.enabled = true;
  let answered = 0;
  for (let round = 0; round < 100; round += 1) {
    const outcomes = await Promise.allSettled([worker.call.add(round, 1), worker.call.add(round, 2)]);
    answered += outcomes.filter(({ status }) => status === "fulfilled").length;
  }
  faults.enabled = false;
  expect(answered).toBeGreaterThan(50);
  await vi.waitUntil(() => worker.state === "running");
  expect(await worker.call.add(1, 2)).toBe(3);
  await worker.stop();
  expect(Object.values(faults.counts).every((count) => count > 0)).toBe(true);
});

describe("without faults", () => {
  testChannelContract(
    "wrapped ends keep the contract of a channel",
    {
      createPair(limits) {
        const faults = new ChannelFaults({ seed: 1 });
        const memory = createMemoryTransport(limits);
        return { server: () => faults.server(memory.server), client: () => faults.client(memory.client()) };
      },
    },
    { describe, it },
  );
});

describe("the seed", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("is printed where none was given", () => {
    const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const { seed } = new ChannelFaults();
    expect(write).toHaveBeenCalledWith(`multifrost: channel faults, seed ${seed}\n`);
    new ChannelFaults({ seed });
    expect(write).toHaveBeenCalledTimes(1);
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 32])("%s is none", (seed) => {
    expect(() => new ChannelFaults({ seed })).toThrow(/^seed must be a whole number from 0 to 4294967295/);
  });

  it.each([
    [{ drop: 2 }, /^drop must be a number from 0 to 1, not 2/],
    [{ duplicates: 0.1 }, /Did you mean duplicate\?$/],
    [{ maxDelayMs: -1 }, /^maxDelayMs must be a number of milliseconds from 0 to 60000/],
  ])("%j is refused", (options, message) => {
    expect(() => new ChannelFaults(options as ChannelFaultOptions)).toThrow(message);
  });
});
