import { createFakeClock, createSeededRandom } from "@multifrost/testing";
import { expect, test } from "vitest";

test("stands still until it is moved", () => {
  const clock = createFakeClock(1000);
  expect([clock.now(), clock.wallTime()]).toEqual([0, 1000]);
  clock.advance(2.5);
  expect([clock.now(), clock.wallTime()]).toEqual([2.5, 1002.5]);
});

test("runs timers in the order they are due, each at its due time, and two due at once in the order they were set", () => {
  const clock = createFakeClock();
  const ran: string[] = [];
  const note = (name: string) => () => void ran.push(`${name}@${clock.now()}`);
  clock.setTimer(note("late"), 20);
  clock.setTimer(note("a"), 10);
  clock.setTimer(note("b"), 10);
  clock.setTimer(note("never"), Infinity);
  clock.advance(20);
  expect(ran).toEqual(["a@10", "b@10", "late@20"]);
  expect(clock.pendingTimers).toBe(1);
});

test("runs timers set by a timer when they are due within the same advance", () => {
  const clock = createFakeClock();
  const ran: number[] = [];
  const again = (): void => {
    ran.push(clock.now());
    clock.setTimer(again, 10);
  };
  clock.setTimer(again, 10);
  clock.advance(35);
  expect(ran).toEqual([10, 20, 30]);
  expect(clock.now()).toBe(35);
});

test("a stall runs nothing; what became due meanwhile runs late and once", () => {
  const clock = createFakeClock();
  const ran: number[] = [];
  const again = (): void => {
    ran.push(clock.now());
    clock.setTimer(again, 10);
  };
  clock.setTimer(again, 10);
  clock.stall(100);
  expect([ran, clock.now()]).toEqual([[], 100]);
  clock.advance(0);
  expect(ran).toEqual([100]);
});

test("does not run a timer that an earlier one cancelled", () => {
  const clock = createFakeClock();
  const ran: string[] = [];
  clock.setTimer(() => second.cancel(), 10);
  const second = clock.setTimer(() => ran.push("second"), 20);
  clock.advance(100);
  expect(ran).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
});

test("seeded random numbers repeat for the same seed, and are uniform enough", () => {
  const [one, two, other] = [createSeededRandom(7), createSeededRandom(7), createSeededRandom(8)];
  const drawn = Array.from({ length: 10_000 }, one);
  expect(Array.from({ length: 10_000 }, two)).toEqual(drawn);
  expect(other()).not.toBe(drawn[0]);
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
  expect(mean).toBeGreaterThan(0.48);
  expect(mean).toBeLessThan(0.52);
  expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
});
