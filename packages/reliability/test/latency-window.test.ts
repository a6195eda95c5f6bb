import { createLatencyWindow } from "@multifrost/reliability";
import { createFakeClock, createSeededRandom } from "@multifrost/reliability/testing";
import { expect, test } from "vitest";

const EMPTY = { avg: null, min: null, max: null, p50: null, p95: null, p99: null, last: null };

test("tells nothing, and not zero, before the first call has ended", () => {
  expect(createLatencyWindow({ clock: createFakeClock() }).summary()).toEqual(EMPTY);
});

test("average, minimum, maximum and last are exact; one call is its own percentiles", () => {
  const window = createLatencyWindow({ clock: createFakeClock() });
  window.record(12.3456);
  const only = 12.3456;
  expect(window.summary()).toEqual({ avg: only, min: only, max: only, p50: only, p95: only, p99: only, last: only });
  window.record(1.5);
  expect(window.summary()).toMatchObject({ avg: (12.3456 + 1.5) / 2, min: 1.5, max: 12.3456, last: 1.5 });
});

test("percentiles are those of the sorted latencies, to one percent, from microseconds to minutes", () => {
  const window = createLatencyWindow({ clock: createFakeClock() });
  const random = createSeededRandom(3);
  const latencies = Array.from({ length: 20_000 }, () => 10 ** (random() * 7 - 2));
  for (const latency of latencies) {
    window.record(latency);
  }
  const sorted = [...latencies].sort((a, b) => a - b);
  const summary = window.summary();
  for (const [rank, told] of [
    [0.5, summary.p50],
    [0.95, summary.p95],
    [0.99, summary.p99],
  ] as const) {
    const exact = sorted[Math.ceil(rank * sorted.length) - 1] ?? Number.NaN;
    expect(Math.abs((told ?? 0) - exact) / exact).toBeLessThan(0.01);
  }
});

test("a latency of nothing and one of a day are taken too", () => {
  const window = createLatencyWindow({ clock: createFakeClock() });
  const day = 24 * 60 * 60 * 1000;
  window.record(0);
  window.record(day);
  expect(window.summary()).toMatchObject({ min: 0, max: day, avg: day / 2, last: day });
  expect(window.summary().p99).toBeGreaterThanOrEqual(3_600_000 * 0.99);
});

test("what is older than a minute is forgotten, but for the last latency", () => {
  const clock = createFakeClock();
  const window = createLatencyWindow({ clock });
  window.record(7);
  clock.advance(50_000);
  expect(window.summary().max).toBe(7);
  clock.advance(10_000);
  expect(window.summary()).toEqual({ ...EMPTY, last: 7 });
});

test("the window slides: each slice goes when it is old, not all of them at once", () => {
  const clock = createFakeClock();
  const window = createLatencyWindow({ clock, windowMs: 6000 });
  const seen: (number | null)[] = [];
  for (let second = 0; second < 12; second++) {
    window.record(second);
    seen.push(window.summary().min);
    clock.advance(1000);
  }
  expect(seen).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]);
});

test("a slot that is used again keeps nothing of its earlier minute", () => {
  const clock = createFakeClock();
  const window = createLatencyWindow({ clock });
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

test("asking changes nothing: two summaries in a row are the same", () => {
  const window = createLatencyWindow({ clock: createFakeClock() });
  window.record(1);
  window.record(3);
  expect(window.summary()).toEqual(window.summary());
  expect(window.summary().avg).toBe(2);
});
