import { systemClock } from "@multifrost/reliability";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

describe("the system clock", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("runs a timer once, after its delay and not before", () => {
    const ran = vi.fn();
    systemClock().setTimer(ran, 50);
    vi.advanceTimersByTime(49);
    expect(ran).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    expect(ran).toHaveBeenCalledTimes(1);
  });

  test("does not run a cancelled timer", () => {
    const ran = vi.fn();
    const timer = systemClock().setTimer(ran, 50);
    timer.cancel();
    timer.cancel();
    vi.advanceTimersByTime(1000);
    expect(ran).not.toHaveBeenCalled();
  });

  test("supports delays longer than setTimeout takes", () => {
    const days = 24 * 60 * 60 * 1000;
    const ran = vi.fn();
    systemClock().setTimer(ran, 60 * days);
    vi.advanceTimersByTime(60 * days - 1);
    expect(ran).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(ran).toHaveBeenCalledTimes(1);
  });

  test("cancels a long delay in its second part too", () => {
    const ran = vi.fn();
    const timer = systemClock().setTimer(ran, 2 ** 32);
    vi.advanceTimersByTime(2 ** 31);
    timer.cancel();
    vi.advanceTimersByTime(2 ** 33);
    expect(ran).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("a timer keeps the process alive unless it is unref'd", () => {
  const set = vi.spyOn(globalThis, "setTimeout");
  const clock = systemClock();
  const timers = [clock.setTimer(() => {}, 60_000), clock.setTimer(() => {}, 60_000, { unref: true })];
  const handles = set.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef());
  for (const timer of timers) {
    timer.cancel();
  }
  set.mockRestore();
  expect(handles).toEqual([true, false]);
});

test("now does not go back; wallTime is the system date", () => {
  const clock = systemClock();
  const times = Array.from({ length: 1000 }, () => clock.now());
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(Math.abs(clock.wallTime() - Date.now())).toBeLessThan(1000);
});
