import { RestartBudget } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/testing";
import { expect, test } from "vitest";

test("gives five restarts by default, and then no more", () => {
  const budget = new RestartBudget({ clock: createFakeClock() });
  const taken = Array.from({ length: 7 }, () => budget.tryTake());
  expect(taken).toEqual([true, true, true, true, true, false, false]);
  expect(budget.left).toBe(0);
});

test("a worker that is healthy for the whole window gets its budget back", () => {
  const clock = createFakeClock();
  const budget = new RestartBudget({ clock, maxAttempts: 2 });
  budget.tryTake();
  budget.tryTake();
  budget.healthy();
  clock.advance(29_999);
  expect(budget.left).toBe(0);
  clock.advance(1);
  expect(budget.left).toBe(2);
  expect([budget.tryTake(), budget.tryTake(), budget.tryTake()]).toEqual([true, true, false]);
});

test("a worker that fails within the window gets nothing back, however often it starts", () => {
  const clock = createFakeClock();
  const budget = new RestartBudget({ clock, maxAttempts: 3, windowMs: 1000 });
  const taken: boolean[] = [];
  for (let i = 0; i < 4; i++) {
    taken.push(budget.tryTake());
    budget.healthy();
    clock.advance(999);
  }
  expect(taken).toEqual([true, true, true, false]);
});

test("the time down after a failure does not count as healthy", () => {
  const clock = createFakeClock();
  const budget = new RestartBudget({ clock, maxAttempts: 1, windowMs: 1000 });
  budget.healthy();
  budget.tryTake();
  clock.advance(5000);
  expect(budget.left).toBe(0);
});

test("calling healthy again does not restart the window", () => {
  const clock = createFakeClock();
  const budget = new RestartBudget({ clock, maxAttempts: 1, windowMs: 1000 });
  budget.tryTake();
  budget.healthy();
  clock.advance(600);
  budget.healthy();
  clock.advance(400);
  expect(budget.left).toBe(1);
});

test("a budget of 0 allows no restart", () => {
  const budget = new RestartBudget({ clock: createFakeClock(), maxAttempts: 0 });
  expect([budget.left, budget.tryTake()]).toEqual([0, false]);
});

test("refill gives all restarts back at once", () => {
  const clock = createFakeClock();
  const budget = new RestartBudget({ clock, maxAttempts: 2 });
  expect([budget.tryTake(), budget.tryTake(), budget.tryTake()]).toEqual([true, true, false]);
  budget.refill();
  expect(budget.left).toBe(2);
  expect(budget.tryTake()).toBe(true);
});
