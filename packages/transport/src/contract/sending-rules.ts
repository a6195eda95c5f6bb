// Rules about `send`: order, turns, bounds, and whose the bytes are.

import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { OverloadError, SerializationError } from "@multifrost/protocol/errors";
import { bothWays, type Rule, type Way } from "./case.js";
import { numbered, numberIn, pattern, until } from "./wait.js";

const MEBIBYTE = 1024 * 1024;
const SIZES = [0, 1, 127, 128, 129, MEBIBYTE, 32 * MEBIBYTE];

/** See the file's header. */
export const sendingRules: readonly Rule[] = [
  ...bothWays("100,000 sends from inside one turn all arrive, in order, each settled once", async (way) => {
    const count = 100_000;
    const settled = new Uint8Array(count);
    for (let index = 0; index < count; index += 1) {
      way.send(numbered(index), (error) => {
        strictEqual(error, undefined);
        settled[index] = (settled[index] ?? 0) + 1;
      });
    }
    strictEqual(way.queued(), count, "all of them wait for the next turn");
    await until(() => way.received.length >= count, "100,000 messages");
    ok(
      way.received.every((bytes, index) => numberIn(bytes) === index),
      "in the order of the calls",
    );
    await until(() => way.queued() === 0, "the queue to be empty");
    ok(settled.every((times) => times === 1));
  }),

  ...bothWays("bytes of every size arrive exactly, as plain Uint8Arrays", async (way) => {
    for (const [index, size] of SIZES.entries()) {
      way.send(pattern(size, index));
      await until(() => way.received.length > index, `a message of ${size} bytes`);
      const bytes = way.received[index] ?? new Uint8Array();
      strictEqual(Object.getPrototypeOf(bytes), Uint8Array.prototype);
      strictEqual(Buffer.compare(bytes, pattern(size, index)), 0, `${size} bytes must arrive as they were sent`);
    }
  }),

  ...bothWays("a part of a larger buffer is sent as that part", async (way) => {
    const whole = pattern(4096);
    for (const part of [whole.subarray(100, 120), whole.subarray(1000, 3000), whole.subarray(4096)]) {
      way.send(part);
    }
    await until(() => way.received.length === 3, "three messages");
    deepStrictEqual(
      way.received.map((bytes) => bytes.length),
      [20, 2000, 0],
    );
    strictEqual(Buffer.compare(way.received[1] ?? new Uint8Array(), pattern(4096).subarray(1000, 3000)), 0);
  }),

  ...bothWays("settled is told nothing before send has returned", async (way) => {
    let returned = false;
    let early = false;
    let told = false;
    way.send(numbered(1), () => {
      early ||= !returned;
      told = true;
    });
    returned = true;
    await until(() => told, "settled to be called");
    ok(!early);
  }),

  ...bothWays("bytes given to a receiver are not changed or used again", async (way) => {
    const sent = pattern(5000, 7);
    way.send(sent);
    await until(() => way.received.length === 1, "the first message");
    const kept = way.received[0] ?? new Uint8Array();
    await sendMore(way, 500);
    strictEqual(Buffer.compare(kept, pattern(5000, 7)), 0, "what follows must not touch it");
    kept.fill(0);
    strictEqual(Buffer.compare(sent, pattern(5000, 7)), 0, "the receiver may write to it; the sender must not notice");
  }),

  ...bothWays(
    "a message at the limit is sent; one above it throws MESSAGE_TOO_LARGE and nothing is queued",
    async (way) => {
      throws(() => way.send(new Uint8Array(1001)), { code: "MESSAGE_TOO_LARGE" });
      throws(() => way.send(new Uint8Array(1001)), SerializationError);
      strictEqual(way.queued(), 0);
      way.send(pattern(1000));
      await until(() => way.received.length === 1, "the message at the limit");
      strictEqual(way.received[0]?.length, 1000);
    },
    { maxMessageBytes: 1000 },
  ),

  ...bothWays(
    "with maxQueuedMessages waiting, send throws OverloadError and queues nothing; there is room again later",
    (way) => fillQueue(way, 10, 10),
    { maxQueuedMessages: 10 },
  ),

  ...bothWays(
    "with maxQueuedBytes waiting, send throws OverloadError and queues nothing; there is room again later",
    (way) => fillQueue(way, 10, 40),
    { maxQueuedBytes: 40 },
  ),
];

/** Sends four bytes at a time until the queue holds `count` messages, which must be its bound. */
async function fillQueue(way: Way, count: number, limit: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    way.send(numbered(index));
  }
  throws(
    () => way.send(numbered(count)),
    (error) => error instanceof OverloadError && error.limit === limit && error.code === "OVERLOADED",
  );
  strictEqual(way.queued(), count);
  await until(() => way.received.length === count && way.queued() === 0, "what was queued");
  way.send(numbered(count));
  await until(() => way.received.length === count + 1, "a message after the queue had room again");
  deepStrictEqual(
    way.received.map(numberIn),
    Array.from({ length: count + 1 }, (_, index) => index),
  );
}

async function sendMore(way: Way, count: number): Promise<void> {
  const before = way.received.length;
  for (let index = 0; index < count; index += 1) {
    way.send(pattern(5000, index));
  }
  await until(() => way.received.length === before + count, `${count} more messages`);
}
