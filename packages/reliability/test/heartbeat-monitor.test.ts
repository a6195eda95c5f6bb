import { NotRunningError, TimeoutError } from "@multifrost/protocol/errors";
import { HeartbeatMonitor, type HeartbeatOptions } from "@multifrost/reliability";
import { createFakeClock, type FakeClock } from "@multifrost/testing";
import { describe, expect, test } from "vitest";

interface Setup {
  monitor: HeartbeatMonitor;
  clock: FakeClock;
  /** Ids sent, in order. */
  sent: string[];
  /** Reported events in order, with the time. */
  reported: string[];
}

function setup(options: Partial<HeartbeatOptions> = {}): Setup {
  const clock = createFakeClock();
  const sent: string[] = [];
  const reported: string[] = [];
  let ids = 0;
  const monitor = new HeartbeatMonitor({
    clock,
    newId: () => `hb${++ids}`,
    send: (id) => void sent.push(id),
    onAnswer: ({ rttMs }) => reported.push(`answer ${rttMs} @${clock.now()}`),
    onMiss: ({ misses }) => reported.push(`miss ${misses} @${clock.now()}`),
    onStalled: ({ misses }) => reported.push(`stalled ${misses} @${clock.now()}`),
    onLost: ({ misses, silentMs }) => reported.push(`lost ${misses}, ${silentMs} ms @${clock.now()}`),
    onRecovered: () => reported.push(`recovered @${clock.now()}`),
    ...options,
  });
  return { monitor, clock, sent, reported };
}

test("a single heartbeat that is waited for keeps the process alive, the loop does not", async () => {
  const { monitor, clock } = setup();
  monitor.start();
  expect(clock.keepsProcessAlive).toBe(false);
  const beat = monitor.beat({ timeoutMs: 10 });
  expect(clock.keepsProcessAlive).toBe(true);
  const outcome = expect(beat).rejects.toBeInstanceOf(TimeoutError);
  clock.advance(10);
  clock.advance(0);
  await outcome;
  expect(clock.keepsProcessAlive).toBe(false);
  monitor.stop();
});

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
    const { monitor, clock, reported } = setup({ intervalMs: 100 });
    monitor.start();
    clock.advance(150);
    expect(monitor.lastRttMs).toBeUndefined();
    expect(monitor.answered("hb2")).toBe(true);
    expect(monitor.answered("hb1")).toBe(true);
    expect(reported).toEqual(["answer 50 @150", "answer 150 @150"]);
    expect(monitor.lastRttMs).toBe(150);
  });

  test("continues when send throws, and counts the heartbeat as missed after its timeout", () => {
    const { monitor, clock, reported } = setup({
      send: () => {
        throw new Error("queue full");
      },
    });
    monitor.start();
    clock.advance(8000);
    expect(reported).toEqual(["miss 1 @3000", "miss 2 @8000"]);
  });

  test("continues however many heartbeats are missed", () => {
    const { monitor, clock, sent } = setup();
    monitor.start();
    clock.advance(24 * 60 * 60 * 1000);
    expect(sent).toHaveLength(1 + (24 * 60 * 60) / 5);
  });
});

describe("misses", () => {
  test("a heartbeat is missed when it is unanswered for three seconds, and not before", () => {
    const { monitor, clock, reported } = setup();
    monitor.start();
    clock.advance(2999);
    expect(reported).toEqual([]);
    clock.advance(1);
    expect(reported).toEqual(["miss 1 @3000"]);
    expect(monitor.misses).toBe(1);
  });

  test("three in a row are a stall, and those of a minute a loss, each reported once", () => {
    const { monitor, clock, reported } = setup();
    monitor.start();
    clock.advance(19_000);
    expect(reported).toEqual(["miss 1 @3000", "miss 2 @8000", "miss 3 @13000", "stalled 3 @13000", "miss 4 @18000"]);
    expect([monitor.stalled, monitor.lost]).toEqual([true, false]);
    clock.advance(100_000);
    expect(reported.filter((report) => !report.startsWith("miss"))).toEqual([
      "stalled 3 @13000",
      "lost 12, 60000 ms @58000",
    ]);
    expect([monitor.stalled, monitor.lost]).toEqual([true, true]);
  });

  test("with a stall timeout of 0 a stall is a loss at once, and with Infinity it never is", () => {
    const atOnce = setup({ stallTimeoutMs: 0 });
    atOnce.monitor.start();
    atOnce.clock.advance(13_000);
    expect(atOnce.reported.slice(3)).toEqual(["stalled 3 @13000", "lost 3, 15000 ms @13000"]);
    const never = setup({ stallTimeoutMs: Number.POSITIVE_INFINITY });
    never.monitor.start();
    never.clock.advance(3_600_000);
    expect([never.monitor.stalled, never.monitor.lost]).toEqual([true, false]);
  });

  test("time in which this process did not run counts for one interval at most", () => {
    const { monitor, clock, reported } = setup();
    monitor.start();
    for (let count = 0; count < 4; count += 1) {
      clock.stall(100_000);
      clock.advance(0);
    }
    expect(reported.filter((report) => report.startsWith("lost"))).toEqual([]);
  });

  test("a message that came meanwhile is a sign of life", () => {
    let received = 0;
    const { monitor, clock, reported } = setup({ received: () => received, maxMisses: 1 });
    monitor.start();
    clock.advance(3000);
    expect(reported).toEqual(["miss 1 @3000", "stalled 1 @3000"]);
    clock.advance(3000);
    received += 1;
    clock.advance(2000);
    expect(reported.slice(2)).toEqual(["recovered @8000"]);
    expect([monitor.misses, monitor.stalled]).toEqual([0, false]);
  });

  test("an answer resets the count", () => {
    const { monitor, clock, reported } = setup();
    monitor.start();
    clock.advance(10_000);
    monitor.answered("hb3");
    expect(monitor.misses).toBe(0);
    clock.advance(8000);
    expect(reported).toEqual(["miss 1 @3000", "miss 2 @8000", "answer 0 @10000", "miss 1 @18000"]);
    expect(monitor.stalled).toBe(false);
  });

  test("an answer after a stall is a recovery, and a second stall is reported again", () => {
    const { monitor, clock, reported } = setup({ maxMisses: 1 });
    monitor.start();
    clock.advance(5000);
    monitor.answered("hb2");
    clock.advance(8000);
    const expected = ["miss 1 @3000", "stalled 1 @3000", "answer 0 @5000", "recovered @5000", "miss 1 @13000"];
    expect(reported).toEqual([...expected, "stalled 1 @13000"]);
  });

  test("a late answer counts as an answer", () => {
    const { monitor, clock, reported } = setup({ maxMisses: 1 });
    monitor.start();
    clock.advance(4000);
    expect(monitor.answered("hb1")).toBe(true);
    expect(reported).toEqual(["miss 1 @3000", "stalled 1 @3000", "answer 4000 @4000", "recovered @4000"]);
    expect([monitor.misses, monitor.stalled]).toEqual([0, false]);
  });

  test("an answer that this busy process had not read yet is not a miss", () => {
    // A busy event loop runs overdue timers first, and reads what has come after that.
    const { monitor, clock, reported } = setup({ maxMisses: 1 });
    monitor.start();
    clock.setTimer(() => monitor.answered("hb1"), 3000);
    clock.advance(3000);
    expect(reported).toEqual(["answer 3000 @3000"]);
  });

  test("several heartbeats may be unanswered at once", () => {
    const { monitor, clock, reported } = setup({ intervalMs: 1000, timeoutMs: 3000 });
    monitor.start();
    clock.advance(5000);
    expect(reported).toEqual(["miss 1 @3000", "miss 2 @4000", "miss 3 @5000", "stalled 3 @5000"]);
  });
});

describe("answers", () => {
  test("count once, and only for heartbeats of this monitor", () => {
    const { monitor, reported } = setup();
    monitor.start();
    expect(monitor.answered("a call's id")).toBe(false);
    expect([monitor.answered("hb1"), monitor.answered("hb1")]).toEqual([true, false]);
    expect(reported).toEqual(["answer 0 @0"]);
  });

  test("to heartbeats missed long ago are not recognised", () => {
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

  test("rejects after its timeout, which is not a miss", async () => {
    const { monitor, clock, reported } = setup();
    const rtt = monitor.beat({ timeoutMs: 200 });
    clock.advance(200);
    const message =
      "Heartbeat not answered within 200 ms. The worker is gone, or its event loop is blocked. " +
      "Look at its output, or allow more time.";
    await expect(rtt).rejects.toThrow(new TimeoutError(message, { timeoutMs: 200 }));
    expect([reported, monitor.misses]).toEqual([[], 0]);
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
  test("ends all heartbeats at once, and may be called twice", () => {
    const { monitor, clock, sent, reported } = setup();
    monitor.start();
    clock.advance(6000);
    monitor.stop();
    monitor.stop();
    expect([clock.pendingTimers, monitor.misses, monitor.answered("hb2")]).toEqual([0, 0, false]);
    clock.advance(60_000);
    expect([sent.length, reported]).toEqual([2, ["miss 1 @3000"]]);
  });

  test("start after it starts again", () => {
    const { monitor, clock, sent, reported } = setup({ maxMisses: 2 });
    monitor.start();
    clock.advance(3000);
    monitor.stop();
    monitor.start();
    clock.advance(3000);
    expect(sent).toEqual(["hb1", "hb2"]);
    expect(reported).toEqual(["miss 1 @3000", "miss 1 @6000"]);
  });

  test("may be called from within onLost", () => {
    const { monitor, clock, sent } = setup({ maxMisses: 1, stallTimeoutMs: 0, onLost: () => monitor.stop() });
    monitor.start();
    clock.advance(60_000);
    expect([sent, clock.pendingTimers, monitor.lost]).toEqual([["hb1"], 0, false]);
  });

  test("called from within onMiss prevents the loss", () => {
    const { monitor, clock, reported } = setup({ maxMisses: 1, onMiss: () => monitor.stop() });
    monitor.start();
    clock.advance(60_000);
    expect(reported).toEqual([]);
  });
});

test("its timers do not keep the process alive", () => {
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
