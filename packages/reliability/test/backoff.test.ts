import { Backoff } from "@multifrost/reliability";
import { createSeededRandom } from "@multifrost/testing";
import { expect, test } from "vitest";

const almostOne = (): number => 1;

test("the bound doubles from 100 ms up to 5 s", () => {
  const backoff = new Backoff({ random: almostOne });
  const bounds = Array.from({ length: 8 }, () => backoff.next());
  expect(bounds).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});

test("reset starts again with the smallest bound", () => {
  const backoff = new Backoff({ random: almostOne, baseMs: 10 });
  backoff.next();
  backoff.next();
  expect(backoff.attempts).toBe(2);
  backoff.reset();
  expect([backoff.attempts, backoff.next()]).toEqual([0, 10]);
});

test("delays are spread evenly between 0 and the bound", () => {
  const random = createSeededRandom(1);
  const backoff = new Backoff({ random, baseMs: 1000, maxMs: 1000 });
  const delays = Array.from({ length: 5000 }, () => backoff.next());
  expect(Math.min(...delays)).toBeLessThan(10);
  expect(Math.max(...delays)).toBeGreaterThan(990);
  expect(Math.max(...delays)).toBeLessThanOrEqual(1000);
  const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
  expect(Math.abs(mean - 500)).toBeLessThan(25);
});

test("stays within the bound after thousands of attempts", () => {
  const backoff = new Backoff({ random: almostOne });
  const delays = Array.from({ length: 5000 }, () => backoff.next());
  expect(delays.at(-1)).toBe(5000);
});
