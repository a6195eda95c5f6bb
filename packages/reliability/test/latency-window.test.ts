import { LatencyWindow } from "@multifrost/reliability";
import { createFakeClock, createSeededRandom } from "@multifrost/testing";
import { expect, test } from "vitest";

const EMPTY = { avg: null, min: null, max: null, p50: null, p95: null, p99: null, last: null };

test("is null, not zero, before the first call has settled", () => {
  expect(new LatencyWindow({ clock: createFakeClock() }).summary()).toEqual(EMPTY);
});

test("average, minimum, maximum and last are exact; one call is its own percentiles", () => {
  const window = new LatencyWindow({ clock: createFakeClock() });
  window.record(12.3456);
  const only = 12.3456;
  expect(window.summary()).toEqual({ avg: only, min: only, max: only, p50: only, p95: only, p99: only, last: only });
  window.record(1.5);
  expect(window.summary()).toMatchObject({ avg: (12.3456 + 1.5) / 2, min: 1.5, max: 12.3456, last: 1.5 });
});

test("percentiles are those of the sorted latencies, to one percent, from microseconds to minutes", () => {
  const window = new LatencyWindow({ clock: createFakeClock() });
  const random = createSeededRandom(3);
  const latencies = Array.from({ length: 20_000 }, () => 10 ** (random() * 7 - 2));
  for (const latency of latencies) {
    window.record(latency);
  }
  const sorted = [...latencies].sort((a, b) => a - b);
  const summary = window.summary();
  for (const [rank, reported] of [
    [0.5, summary.p50],
    [0.95, summary.p95],
    [0.99, summary.p99],
  ] as const) {
    const exact = sorted[Math.ceil(rank * sorted.length) - 1] ?? Number.NaN;
    expect(Math.abs((reported ?? 0) - exact) / exact).toBeLessThan(0.01);
  }
});

test("accepts a latency of 0 and one of a day", () => {
  const window = new LatencyWindow({ clock: createFakeClock() });
  const day = 24 * 60 * 60 * 1000;
  window.record(0);
  window.record(day);
  expect(window.summary()).toMatchObject({ min: 0, max: day, avg: day / 2, last: day });
  expect(window.summary().p99).toBeGreaterThanOrEqual(3_600_000 * 0.99);
});

test("forgets latencies older than a minute, except the last", () => {
  const clock = createFakeClock();
  const window = new LatencyWindow({ clock });
  window.record(7);
  clock.advance(50_000);
  expect(window.summary().max).toBe(7);
  clock.advance(10_000);
  expect(window.summary()).toEqual({ ...EMPTY, last: 7 });
});

test("the window slides: slices expire one by one", () => {
  const clock = createFakeClock();
  const window = new LatencyWindow({ clock, windowMs: 6000 });
  const seen: (number | null)[] = [];
  for (let second = 0; second < 12; second++) {
    window.record(second);
    seen.push(window.summary().min);
    clock.advance(1000);
  }
  expect(seen).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]);
});

test("a reused slot keeps nothing of the previous minute", () => {
  const clock = createFakeClock();
  const window = new LatencyWindow({ clock });
  for (let i = 0; i < 100; i++) {
    window.record(1000);
  }
  clock.advance(60_000);
  window.record(1000);
  for (let i = 0; i < 50; i++) {
    window.record(2);
  }
  expect(window.summary()).toMatchObject({ avg: 1100 / 51, min: 2, max: 1000 });
  expect(window.summary().p50).toBeCloseTo(2, 1);
});

test("reading a summary changes nothing", () => {
  const window = new LatencyWindow({ clock: createFakeClock() });
  window.record(1);
  window.record(3);
  expect(window.summary()).toEqual(window.summary());
  expect(window.summary().avg).toBe(2);
});
