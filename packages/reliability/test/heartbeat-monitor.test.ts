import { NotRunningError, TimeoutError } from "@multifrost/protocol/errors";
import { createHeartbeatMonitor, type HeartbeatMonitor, type HeartbeatOptions } from "@multifrost/reliability";
import { createFakeClock, type FakeClock } from "@multifrost/reliability/testing";
import { describe, expect, test } from "vitest";

interface Setup {
  monitor: HeartbeatMonitor;
  clock: FakeClock;
  /** Ids sent, in order. */
  sent: string[];
  /** What was told, in order, with the time. */
  told: string[];
}

function setup(options: Partial<HeartbeatOptions> = {}): Setup {
  const clock = createFakeClock();
  const sent: string[] = [];
  const told: string[] = [];
  let ids = 0;
  const monitor = createHeartbeatMonitor({
    clock,
    newId: () => `hb${++ids}`,
    send: (id) => void sent.push(id),
    onAnswer: ({ rttMs }) => told.push(`answer ${rttMs} @${clock.now()}`),
    onMiss: ({ misses }) => told.push(`miss ${misses} @${clock.now()}`),
    onLost: ({ misses }) => told.push(`lost ${misses} @${clock.now()}`),
    onRecovered: () => told.push(`recovered @${clock.now()}`),
    ...options,
  });
  return { monitor, clock, sent, told };
}

describe("the loop", () => {
  test("sends the first heartbeat at once and one every five seconds", () => {
    const { monitor, clock, sent } = setup();
    monitor.start();
    expect(sent).toEqual(["hb1"]);
    clock.advance(4999);
    expect(sent).toHaveLength(1);
    clock.advance(1);
    expect(sent).toEqual(["hb1", "hb2"]);
    clock.advance(5000);
    expect(sent).toHaveLength(3);
  });

  test("starting twice sends no more than starting once", () => {
    const { monitor, clock, sent } = setup();
    monitor.start();
    monitor.start();
    clock.advance(5000);
    expect(sent).toHaveLength(2);
  });

  test("an interval of 0 switches it off", () => {
    const { monitor, clock, sent } = setup({ intervalMs: 0 });
    monitor.start();
    clock.advance(60_000);
    expect([sent, clock.pendingTimers]).toEqual([[], 0]);
  });

  test("measures the round trip of each heartbeat by its id", () => {
    const { monitor, clock, told } = setup({ intervalMs: 100 });
    monitor.start();
    clock.advance(150);
    expect(monitor.lastRttMs).toBeUndefined();
    expect(monitor.answered("hb2")).toBe(true);
    expect(monitor.answered("hb1")).toBe(true);
    expect(told).toEqual(["answer 50 @150", "answer 150 @150"]);
    expect(monitor.lastRttMs).toBe(150);
  });

  test("goes on when a send throws, and counts the heartbeat as missed when its time is up", () => {
    const { monitor, clock, told } = setup({
      send: () => {
        throw new Error("queue full");
      },
    });
    monitor.start();
    clock.advance(8000);
    expect(told).toEqual(["miss 1 @3000", "miss 2 @8000"]);
  });

  test("goes on for ever, however many are missed", () => {
    const { monitor, clock, sent } = setup();
    monitor.start();
    clock.advance(24 * 60 * 60 * 1000);
    expect(sent).toHaveLength(1 + (24 * 60 * 60) / 5);
  });
});

describe("misses", () => {
  test("a heartbeat is missed when it is unanswered for three seconds, and not before", () => {
    const { monitor, clock, told } = setup();
    monitor.start();
    clock.advance(2999);
    expect(told).toEqual([]);
    clock.advance(1);
    expect(told).toEqual(["miss 1 @3000"]);
    expect(monitor.misses).toBe(1);
  });

  test("three in a row are a loss, told once", () => {
    const { monitor, clock, told } = setup();
    monitor.start();
    clock.advance(19_000);
    expect(told).toEqual(["miss 1 @3000", "miss 2 @8000", "miss 3 @13000", "lost 3 @13000", "miss 4 @18000"]);
    expect(monitor.lost).toBe(true);
  });

  test("an answer in between starts the count again", () => {
    const { monitor, clock, told } = setup();
    monitor.start();
    clock.advance(10_000);
    monitor.answered("hb3");
    expect(monitor.misses).toBe(0);
    clock.advance(8000);
    expect(told).toEqual(["miss 1 @3000", "miss 2 @8000", "answer 0 @10000", "miss 1 @18000"]);
    expect(monitor.lost).toBe(false);
  });

  test("an answer after a loss is a recovery, and a second loss is told again", () => {
    const { monitor, clock, told } = setup({ maxMisses: 1 });
    monitor.start();
    clock.advance(5000);
    monitor.answered("hb2");
    clock.advance(8000);
    const expected = ["miss 1 @3000", "lost 1 @3000", "answer 0 @5000", "recovered @5000", "miss 1 @13000"];
    expect(told).toEqual([...expected, "lost 1 @13000"]);
  });

  test("a late answer is a sign of life too", () => {
    const { monitor, clock, told } = setup({ maxMisses: 1 });
    monitor.start();
    clock.advance(4000);
    expect(monitor.answered("hb1")).toBe(true);
    expect(told).toEqual(["miss 1 @3000", "lost 1 @3000", "answer 4000 @4000", "recovered @4000"]);
    expect([monitor.misses, monitor.lost]).toEqual([0, false]);
  });

  test("an answer that this process was too busy to read in time is not a miss", () => {
    // A busy event loop runs overdue timers first, and reads what has come after that.
    const { monitor, clock, told } = setup({ maxMisses: 1 });
    monitor.start();
    clock.setTimer(() => monitor.answered("hb1"), 3000);
    clock.advance(3000);
    expect(told).toEqual(["answer 3000 @3000"]);
  });

  test("more heartbeats may wait at once than the interval is long", () => {
    const { monitor, clock, told } = setup({ intervalMs: 1000, timeoutMs: 3000 });
    monitor.start();
    clock.advance(5000);
    expect(told).toEqual(["miss 1 @3000", "miss 2 @4000", "miss 3 @5000", "lost 3 @5000"]);
  });
});

describe("answers", () => {
  test("only to a heartbeat of its own, once", () => {
    const { monitor, told } = setup();
    monitor.start();
    expect(monitor.answered("a call's id")).toBe(false);
    expect([monitor.answered("hb1"), monitor.answered("hb1")]).toEqual([true, false]);
    expect(told).toEqual(["answer 0 @0"]);
  });

  test("to a heartbeat missed long ago are not remembered for ever", () => {
    const { monitor, clock } = setup();
    monitor.start();
    clock.advance(24 * 60 * 60 * 1000);
    expect(monitor.answered("hb1")).toBe(false);
    expect(monitor.answered("hb17270")).toBe(true);
  });
});

describe("beat", () => {
  test("sends one now, without start, and resolves with its round trip", async () => {
    const { monitor, clock, sent } = setup();
    const rtt = monitor.beat();
    expect(sent).toEqual(["hb1"]);
    clock.advance(12);
    monitor.answered("hb1");
    expect(await rtt).toBe(12);
    expect([monitor.lastRttMs, clock.pendingTimers]).toEqual([12, 0]);
  });

  test("rejects when its time is up, and is no miss", async () => {
    const { monitor, clock, told } = setup();
    const rtt = monitor.beat({ timeoutMs: 200 });
    clock.advance(200);
    const message =
      "Heartbeat not answered within 200 ms. The worker is gone, or its event loop is blocked; " +
      "look at its output, or allow more time.";
    await expect(rtt).rejects.toThrow(new TimeoutError(message, { timeoutMs: 200 }));
    expect([told, monitor.misses]).toEqual([[], 0]);
  });

  test("rejects when the monitor is stopped", async () => {
    const { monitor, clock } = setup();
    const rtt = monitor.beat();
    monitor.stop();
    await expect(rtt).rejects.toBeInstanceOf(NotRunningError);
    expect(clock.pendingTimers).toBe(0);
  });

  test("rejects with what the send threw, and leaves nothing behind", async () => {
    const { monitor, clock } = setup({
      send: () => {
        throw new Error("closed");
      },
    });
    await expect(monitor.beat()).rejects.toThrow("closed");
    expect([clock.pendingTimers, monitor.answered("hb1")]).toEqual([0, false]);
  });
});

describe("stop", () => {
  test("ends everything at once, and may be called twice", () => {
    const { monitor, clock, sent, told } = setup();
    monitor.start();
    clock.advance(6000);
    monitor.stop();
    monitor.stop();
    expect([clock.pendingTimers, monitor.misses, monitor.answered("hb2")]).toEqual([0, 0, false]);
    clock.advance(60_000);
    expect([sent.length, told]).toEqual([2, ["miss 1 @3000"]]);
  });

  test("start after it begins anew", () => {
    const { monitor, clock, sent, told } = setup({ maxMisses: 2 });
    monitor.start();
    clock.advance(3000);
    monitor.stop();
    monitor.start();
    clock.advance(3000);
    expect(sent).toEqual(["hb1", "hb2"]);
    expect(told).toEqual(["miss 1 @3000", "miss 1 @6000"]);
  });

  test("from within onLost is safe: the worker is about to be restarted", () => {
    const { monitor, clock, sent } = setup({ maxMisses: 1, onLost: () => monitor.stop() });
    monitor.start();
    clock.advance(60_000);
    expect([sent, clock.pendingTimers, monitor.lost]).toEqual([["hb1"], 0, false]);
  });

  test("from within onMiss leaves no loss to tell", () => {
    const { monitor, clock, told } = setup({ maxMisses: 1, onMiss: () => monitor.stop() });
    monitor.start();
    clock.advance(60_000);
    expect(told).toEqual([]);
  });
});

test("no timer of it keeps the process alive", () => {
  const { monitor, clock } = setup();
  const { setTimer } = clock;
  const unrefs: (boolean | undefined)[] = [];
  clock.setTimer = (callback, delayMs, options) => {
    unrefs.push(options?.unref);
    return setTimer(callback, delayMs, options);
  };
  monitor.start();
  clock.advance(5000);
  expect(unrefs).toEqual([true, true, true, true, true]);
});
