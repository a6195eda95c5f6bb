import fc from "fast-check";
import { expect, test } from "vitest";
import { FifoQueue } from "../../src/internal/index.js";

test("items come out in the order they went in", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (steps) => {
      const queue = new FifoQueue<number>();
      const model: number[] = [];
      steps.forEach((add, step) => {
        if (add) {
          queue.push(step);
          model.push(step);
        } else {
          expect(queue.peek()).toBe(model[0]);
          expect(queue.shift()).toBe(model.shift());
        }
        expect(queue.length).toBe(model.length);
      });
    }),
  );
});

test("freeing the space of taken items loses nothing and keeps the order", () => {
  const queue = new FifoQueue<number>();
  for (let item = 0; item < 5_000; item++) {
    queue.push(item);
  }
  for (let item = 0; item < 4_000; item++) {
    expect(queue.shift()).toBe(item);
  }
  queue.push(5_000);
  expect(queue.length).toBe(1_001);
  for (let item = 4_000; item <= 5_000; item++) {
    expect(queue.shift()).toBe(item);
  }
  expect(queue.length).toBe(0);
  expect(queue.shift()).toBeUndefined();
});
