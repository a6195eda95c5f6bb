import fc from "fast-check";
import { expect, test } from "vitest";
import { createQueue } from "../../src/call/queue.js";

test("whatever is added and taken, items come out in the order they went in", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (steps) => {
      const queue = createQueue<number>();
      const model: number[] = [];
      steps.forEach((add, step) => {
        if (add || model.length === 0) {
          queue.add(step);
          model.push(step);
        } else {
          expect(queue.take()).toBe(model.shift());
        }
        expect(queue.length).toBe(model.length);
      });
    }),
  );
});

test("giving back the room of what was taken loses nothing and keeps the order", () => {
  const queue = createQueue<number>();
  for (let item = 0; item < 5_000; item++) {
    queue.add(item);
  }
  for (let item = 0; item < 4_000; item++) {
    expect(queue.take()).toBe(item);
  }
  queue.add(5_000);
  expect(queue.length).toBe(1_001);
  for (let item = 4_000; item <= 5_000; item++) {
    expect(queue.take()).toBe(item);
  }
  expect(queue.length).toBe(0);
});
