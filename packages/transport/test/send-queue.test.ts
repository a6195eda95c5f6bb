// The send queue compared with a simple model of it: an array.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Outgoing, QueueTotals, SendQueue } from "../src/send-queue.js";

const LIMITS = { maxMessageBytes: 20, maxQueuedMessages: 8, maxQueuedBytes: 60 };

const size = fc.integer({ min: 0, max: 22 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("push" as const), size, urgent: fc.constant(false) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("push" as const), size, urgent: fc.constant(true) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("shift" as const), size, urgent: fc.constant(false) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const), size, urgent: fc.constant(false) }) },
);

describe("the send queue", () => {
  it("behaves like a bounded array, with urgent messages in front, for any sequence of operations", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new SendQueue(LIMITS);
        const model: Outgoing[] = [];
        for (const { do: action, size, urgent } of steps) {
          if (action === "push") {
            const item = { ...message(size), urgent };
            expect(attempt(() => queue.push(item))).toBe(expectedOf(model, size));
            if (expectedOf(model, size) === "pushed") {
              model.splice(urgent ? urgentIn(model) : model.length, 0, item);
            }
          } else if (action === "shift") {
            expect(queue.shift()).toBe(model.shift());
          } else {
            expect(queue.clear()).toEqual(model.splice(0));
          }
          expect(queue.length).toBe(model.length);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("takes no longer per message when it holds half a million", () => {
    const limits = { maxMessageBytes: 20, maxQueuedMessages: 600_000, maxQueuedBytes: 2 ** 30 };
    const queue = new SendQueue(limits);
    const item = message(1);
    for (let index = 0; index < 500_000; index += 1) {
      queue.push(item);
    }
    // An array's own shift() would take minutes for this.
    const start = performance.now();
    for (let index = 0; index < 500_000; index += 1) {
      queue.shift();
      queue.push(item);
    }
    expect(performance.now() - start).toBeLessThan(5000);
    expect(queue.length).toBe(500_000);
  });
});

describe("queues with totals", () => {
  it("when all are at the bounds together, those above an equal share are full, and the others are not", () => {
    const totals = new QueueTotals();
    totals.queues = 4;
    const queues = Array.from({ length: 4 }, () => new SendQueue(LIMITS, totals));
    const [greedy, modest, empty] = queues;
    for (let count = 0; count < 6; count += 1) {
      greedy?.push(message(1));
    }
    modest?.push(message(1));
    modest?.push(message(1));
    expect(totals).toMatchObject({ messages: 8, bytes: 8 });
    expect(attempt(() => greedy?.push(message(1)))).toBe("OVERLOADED");
    expect(attempt(() => modest?.push(message(1)))).toBe("OVERLOADED");
    expect(attempt(() => empty?.push(message(1)))).toBe("pushed");
    greedy?.clear();
    expect(totals).toMatchObject({ messages: 3, bytes: 3 });
    expect(attempt(() => modest?.push(message(1)))).toBe("pushed");
  });
});

/** How many urgent messages are at the front. */
function urgentIn(model: readonly Outgoing[]): number {
  return model.filter(({ urgent }) => urgent === true).length;
}

function message(size: number): Outgoing {
  return { peer: "", bytes: new Uint8Array(size), settled: undefined };
}

function bytesIn(items: readonly Outgoing[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
}

function expectedOf(model: readonly Outgoing[], size: number): string {
  if (size > LIMITS.maxMessageBytes) {
    return "MESSAGE_TOO_LARGE";
  }
  const full = model.length === LIMITS.maxQueuedMessages || bytesIn(model) + size > LIMITS.maxQueuedBytes;
  return full ? "OVERLOADED" : "pushed";
}

function attempt(push: () => void): string {
  try {
    push();
    return "pushed";
  } catch (error) {
    return (error as { code: string }).code;
  }
}
