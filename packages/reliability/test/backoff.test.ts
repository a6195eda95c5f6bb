import { createBackoff } from "@multifrost/reliability";
import { createSeededRandom } from "@multifrost/reliability/testing";
import { expect, test } from "vitest";

const almostOne = (): number => 1;

test("the bound doubles from 100 ms up to 5 s", () => {
  const backoff = createBackoff({ random: almostOne });
  const bounds = Array.from({ length: 8 }, () => backoff.next());
  expect(bounds).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});

test("reset begins again with the smallest bound", () => {
  const backoff = createBackoff({ random: almostOne, baseMs: 10 });
  backoff.next();
  backoff.next();
  expect(backoff.attempts).toBe(2);
  backoff.reset();
  expect([backoff.attempts, backoff.next()]).toEqual([0, 10]);
});

test("a delay is anywhere between nothing and its bound", () => {
  const random = createSeededRandom(1);
  const backoff = createBackoff({ random, baseMs: 1000, maxMs: 1000 });
  const delays = Array.from({ length: 5000 }, () => backoff.next());
  expect(Math.min(...delays)).toBeLessThan(10);
  expect(Math.max(...delays)).toBeGreaterThan(990);
  expect(Math.max(...delays)).toBeLessThanOrEqual(1000);
  const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
  expect(Math.abs(mean - 500)).toBeLessThan(25);
});

test("after thousands of attempts a delay is still a number within the bound", () => {
  const backoff = createBackoff({ random: almostOne });
  const delays = Array.from({ length: 5000 }, () => backoff.next());
  expect(delays.at(-1)).toBe(5000);
});
