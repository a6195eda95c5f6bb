import { type Clock, type DeadlineSlot, Deadlines, systemClock } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/testing";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";

/** Something with a deadline. */
class Item {
  slot: DeadlineSlot<Item> | undefined;
  previous: Item | undefined;
  next: Item | undefined;
  readonly run: () => void;

  constructor(run: () => void) {
    this.run = run;
  }
}

/** Deadlines as timers are: each set with a callback, and cancelled by what that returns. */
function callbacks(clock: Clock) {
  const deadlines = new Deadlines<Item>(clock, (item) => item.run());
  return {
    set(run: () => void, delayMs: number): { cancel(): void } {
      const item = new Item(run);
      deadlines.set(item, delayMs);
      return { cancel: () => deadlines.cancel(item) };
    },
  };
}

function recorded() {
  const clock = createFakeClock();
  const deadlines = callbacks(clock);
  const ran: string[] = [];
  const set = (name: string, delayMs: number) => deadlines.set(() => ran.push(`${name}@${clock.now()}`), delayMs);
  return { clock, deadlines, ran, set };
}

describe("deadlines", () => {
  test("run in the order they are due, each once and at its time, and those due at once in the order they were set", () => {
    const { clock, ran, set } = recorded();
    set("late", 20);
    set("a", 10);
    set("b", 10);
    set("first", 5);
    clock.advance(100);
    expect(ran).toEqual(["first@5", "a@10", "b@10", "late@20"]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("run up to a millisecond late, and never early", () => {
    const { clock, ran, set } = recorded();
    clock.advance(0.5);
    set("a", 10);
    set("b", 10.2);
    set("now", 0);
    clock.advance(10.25);
    expect(ran).toEqual(["now@1"]);
    clock.advance(0.25);
    expect(ran).toEqual(["now@1", "a@11", "b@11"]);
  });

  test("never run from inside `set`, not even without a delay", () => {
    const { clock, ran, set } = recorded();
    set("now", 0);
    set("before now", -5);
    expect(ran).toEqual([]);
    clock.advance(0);
    expect(ran.sort()).toEqual(["before now@0", "now@0"]);
  });

  test("that are cancelled do not run; cancelling twice or late does nothing", () => {
    const { clock, ran, set } = recorded();
    const [a, b] = [set("a", 10), set("b", 10)];
    a.cancel();
    a.cancel();
    clock.advance(10);
    b.cancel();
    set("c", 10);
    b.cancel();
    clock.advance(10);
    expect(ran).toEqual(["b@10", "c@20"]);
  });

  test("of infinite length never run", () => {
    const { clock, ran, set } = recorded();
    set("never", Number.POSITIVE_INFINITY);
    set("a", 10);
    clock.advance(2 ** 40);
    expect(ran).toEqual(["a@10"]);
  });

  test("share one timer, however many they are", () => {
    const { clock, ran, set } = recorded();
    const all = Array.from({ length: 1000 }, (_, index) => set(`${index}`, 1000 - index));
    expect(clock.pendingTimers).toBe(1);
    for (const deadline of all.slice(1)) {
      deadline.cancel();
    }
    clock.advance(999);
    expect([ran, clock.pendingTimers]).toEqual([[], 1]);
    clock.advance(1);
    expect([ran, clock.pendingTimers]).toEqual([["0@1000"], 0]);
  });

  test("keep the process alive while one is pending, and only then", () => {
    const { clock, set } = recorded();
    const first = set("first", 1000);
    expect(clock.keepsProcessAlive).toBe(true);
    first.cancel();
    expect(clock.keepsProcessAlive).toBe(false);
    const later = set("later", 2000);
    expect(clock.keepsProcessAlive).toBe(true);
    clock.advance(1500);
    expect(clock.keepsProcessAlive).toBe(true);
    later.cancel();
    expect(clock.keepsProcessAlive).toBe(false);
    clock.advance(2000);
    expect(clock.pendingTimers).toBe(0);
  });

  test("may set and cancel each other while they run", () => {
    const { clock, deadlines, ran, set } = recorded();
    deadlines.set(() => {
      second.cancel();
      set("after", 0);
      set("later", 5);
    }, 10);
    const second = set("second", 10);
    set("third", 10);
    clock.advance(20);
    expect(ran).toEqual(["third@10", "after@10", "later@15"]);
  });

  test("of an item that is cancelled and set again meanwhile run at the later time", () => {
    const clock = createFakeClock();
    const ran: string[] = [];
    const later = new Item(() => ran.push(`later@${clock.now()}`));
    const deadlines = new Deadlines<Item>(clock, (item) => item.run());
    deadlines.set(
      new Item(() => {
        deadlines.cancel(later);
        deadlines.set(later, 5);
      }),
      10,
    );
    deadlines.set(later, 10);
    clock.advance(20);
    expect(ran).toEqual(["later@15"]);
  });

  test("that are set again and again without a delay let other timers run", () => {
    const { clock, deadlines } = recorded();
    let runs = 0;
    let others = 0;
    const again = (): void => {
      runs++;
      if (others === 0) {
        deadlines.set(again, 0);
      }
    };
    deadlines.set(again, 0);
    clock.setTimer(() => others++, 0);
    clock.advance(0);
    expect([runs, others]).toEqual([2, 1]);
  });

  test("that throw do not keep others from running", async () => {
    const { clock, deadlines, ran, set } = recorded();
    const uncaught = new Promise((resolve) => {
      const listeners = process.listeners("uncaughtException");
      process.removeAllListeners("uncaughtException");
      process.once("uncaughtException", (error) => {
        for (const listener of listeners) {
          process.on("uncaughtException", listener);
        }
        resolve(error);
      });
    });
    const error = new Error("thrown by a deadline");
    deadlines.set(() => {
      throw error;
    }, 10);
    set("same time", 10);
    set("later", 20);
    clock.advance(30);
    expect(ran).toEqual(["same time@10", "later@20"]);
    expect(await uncaught).toBe(error);
  });

  test("are a model of one timer each, whatever is set and cancelled", () => {
    const step = fc.oneof(
      fc.record({ set: fc.nat(50) }),
      fc.record({ cancel: fc.nat(30) }),
      fc.record({ advance: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ran: string[][] = [[], []];
        const [clock, model] = [createFakeClock(), createFakeClock()];
        const deadlines = callbacks(clock);
        const pairs: { cancel(): void }[][] = [];
        for (const [index, { set, cancel, advance }] of steps.entries() as Iterable<[number, Record<string, number>]>) {
          if (set !== undefined) {
            pairs.push([
              deadlines.set(() => ran[0]?.push(`${index}@${clock.now()}`), set),
              model.setTimer(() => ran[1]?.push(`${index}@${model.now()}`), set),
            ]);
          } else if (cancel !== undefined) {
            for (const one of pairs[cancel] ?? []) {
              one.cancel();
            }
          } else {
            clock.advance(advance ?? 0);
            model.advance(advance ?? 0);
          }
          expect(ran[0]).toEqual(ran[1]);
          expect(clock.keepsProcessAlive).toBe(model.keepsProcessAlive);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("on the system clock", async () => {
    const deadlines = callbacks(systemClock());
    const cancelled = vi.fn();
    const begin = performance.now();
    deadlines.set(cancelled, 5).cancel();
    await new Promise<void>((resolve) => void deadlines.set(resolve, 10));
    expect(performance.now() - begin).toBeGreaterThanOrEqual(10);
    expect(cancelled).not.toHaveBeenCalled();
  });
});
