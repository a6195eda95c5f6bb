// Rules about `send`: order, turns, bounds, and who owns the bytes.

import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { OverloadError, SerializationError } from "@multifrost/protocol/errors";
import { bothDirections, type Direction, needs, type Rule } from "./rule.js";
import { bytesOf, numbered, numberIn, pattern, until } from "./wait.js";

const MEBIBYTE = 1024 * 1024;
const SIZES = [0, 1, 127, 128, 129, MEBIBYTE, 32 * MEBIBYTE];

/** The rules about `send`. */
export const sendingRules: readonly Rule[] = [
  ...bothDirections("100,000 sends in one turn all arrive in order, and each settles once", async (direction) => {
    const count = 100_000;
    const settled = new Uint8Array(count);
    for (let index = 0; index < count; index += 1) {
      direction.send(numbered(index), (error) => {
        strictEqual(error, undefined);
        settled[index] = (settled[index] ?? 0) + 1;
      });
    }
    await until(() => direction.received.length >= count, "100,000 messages");
    ok(
      direction.received.every((bytes, index) => numberIn(bytes) === index),
      "in the order of the calls",
    );
    await until(() => direction.queued() === 0, "the queue to be empty");
    ok(settled.every((times) => times === 1));
  }),

  ...bothDirections("bytes of every size arrive exactly, as plain Uint8Arrays", async (direction) => {
    for (const [index, size] of SIZES.entries()) {
      direction.send(pattern(size, index));
      await until(() => direction.received.length > index, `a message of ${size} bytes`);
      const bytes = direction.received[index] ?? new Uint8Array();
      strictEqual(Object.getPrototypeOf(bytes), Uint8Array.prototype);
      strictEqual(Buffer.compare(bytes, pattern(size, index)), 0, `${size} bytes must arrive as they were sent`);
    }
  }),

  ...bothDirections("a view of a larger buffer sends only the bytes of the view", async (direction) => {
    const whole = pattern(4096);
    for (const part of [whole.subarray(100, 120), whole.subarray(1000, 3000), whole.subarray(4096)]) {
      direction.send(part);
    }
    await until(() => direction.received.length === 3, "three messages");
    deepStrictEqual(
      direction.received.map((bytes) => bytes.length),
      [20, 2000, 0],
    );
    strictEqual(Buffer.compare(direction.received[1] ?? new Uint8Array(), pattern(4096).subarray(1000, 3000)), 0);
  }),

  ...bothDirections("a message in parts arrives in one piece, between the others", async (direction) => {
    const { sendParts } = direction;
    if (sendParts === undefined) {
      return;
    }
    const sizes = [[], [0], [5, 0, 7], [100, MEBIBYTE, 3], [70_000, 2000, 70_000]];
    const whole = sizes.map((lengths) => pattern(lengths.reduce((sum, length) => sum + length, 0)));
    for (const [index, lengths] of sizes.entries()) {
      let at = 0;
      const parts = lengths.map((length) => {
        at += length;
        return (whole[index] ?? new Uint8Array()).subarray(at - length, at);
      });
      sendParts({ parts, byteLength: at });
      direction.send(numbered(index));
    }
    await until(() => direction.received.length === 2 * sizes.length, "all messages");
    for (const [index, bytes] of whole.entries()) {
      strictEqual(Buffer.compare(direction.received[2 * index] ?? new Uint8Array(1), bytes), 0);
      strictEqual(numberIn(direction.received[2 * index + 1] ?? new Uint8Array(4)), index);
    }
  }),

  ...bothDirections("a message that has lost a part settles with an error; the next one arrives", async (direction) => {
    const { sendParts } = direction;
    if (sendParts === undefined) {
      return;
    }
    const part = new Uint8Array(70_000);
    let outcome: unknown;
    sendParts({ parts: [pattern(10), part], byteLength: 70_010 }, (error) => {
      outcome = error;
    });
    structuredClone(part, { transfer: [part.buffer] });
    direction.send(numbered(1));
    await until(() => direction.received.length === 1 && outcome !== undefined, "the error, and the next message");
    ok(outcome instanceof SerializationError);
    strictEqual(outcome.code, "UNSENDABLE_VALUE");
    strictEqual(numberIn(direction.received[0] ?? new Uint8Array(4)), 1);
  }),

  ...bothDirections("settled is not called before send returns", async (direction) => {
    let returned = false;
    let early = false;
    let called = false;
    direction.send(numbered(1), () => {
      early ||= !returned;
      called = true;
    });
    returned = true;
    await until(() => called, "settled to be called");
    ok(!early);
  }),

  ...bothDirections("the channel neither changes nor reuses the bytes it delivers", async (direction) => {
    const sent = pattern(5000, 7);
    direction.send(sent);
    await until(() => direction.received.length === 1, "the first message");
    const kept = direction.received[0] ?? new Uint8Array();
    await sendMore(direction, 500);
    strictEqual(Buffer.compare(kept, pattern(5000, 7)), 0, "later messages must not change it");
    kept.fill(0);
    strictEqual(Buffer.compare(sent, pattern(5000, 7)), 0, "the receiver may write to it; the sender must not notice");
  }),

  ...bothDirections(
    "a message at the limit is sent; one above it throws MESSAGE_TOO_LARGE and nothing is queued",
    async (direction) => {
      throws(() => direction.send(new Uint8Array(1001)), { code: "MESSAGE_TOO_LARGE" });
      throws(() => direction.send(new Uint8Array(1001)), SerializationError);
      strictEqual(direction.queued(), 0);
      direction.send(pattern(1000));
      await until(() => direction.received.length === 1, "the message at the limit");
      strictEqual(direction.received[0]?.length, 1000);
    },
    { maxMessageBytes: 1000 },
  ),

  ...bothDirections(
    "with maxQueuedMessages waiting, send throws OverloadError and queues nothing; it accepts messages again when the queue has room",
    (direction) => fillQueue(direction, 10, 10),
    { maxQueuedMessages: 10 },
  ),

  ...bothDirections(
    "with maxQueuedBytes waiting, send throws OverloadError and queues nothing; it accepts messages again when the queue has room",
    (direction) => fillQueue(direction, 10, 40),
    { maxQueuedBytes: 40 },
  ),

  ...bothDirections(
    "urgent messages go ahead of queued ones, in the order of the calls",
    async (direction) => {
      const count = 1000;
      for (let index = 0; index < count; index += 1) {
        direction.send(numbered(index));
      }
      const sent = count - direction.queued();
      direction.send(bytesOf("first"), undefined, { urgent: true });
      direction.send(bytesOf("second"), undefined, { urgent: true });
      await until(() => direction.received.length === count + 2, "all messages");
      const urgent = direction.received.splice(sent, 2);
      deepStrictEqual(urgent, [bytesOf("first"), bytesOf("second")]);
      ok(direction.received.every((bytes, index) => numberIn(bytes) === index));
    },
    {},
    needs("urgent"),
  ),
];

/** Sends four bytes at a time until the queue holds `count` messages, which must be its bound. */
async function fillQueue(direction: Direction, count: number, limit: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    direction.send(numbered(index));
  }
  throws(
    () => direction.send(numbered(count)),
    (error) => error instanceof OverloadError && error.limit === limit && error.code === "OVERLOADED",
  );
  strictEqual(direction.queued(), count);
  await until(() => direction.received.length === count && direction.queued() === 0, "the queued messages");
  direction.send(numbered(count));
  await until(() => direction.received.length === count + 1, "a message after the queue had room again");
  deepStrictEqual(
    direction.received.map(numberIn),
    Array.from({ length: count + 1 }, (_, index) => index),
  );
}

async function sendMore(direction: Direction, count: number): Promise<void> {
  const before = direction.received.length;
  for (let index = 0; index < count; index += 1) {
    direction.send(pattern(5000, index));
  }
  await until(() => direction.received.length === before + count, `${count} more messages`);
}
