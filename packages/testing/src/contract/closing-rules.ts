// Rules about `close`: which messages are still sent, how the others settle, and that no event follows.

import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { ConnectionError, type MultifrostError } from "@multifrost/protocol/errors";
import type { ClientChannel } from "@multifrost/transport";
import { bothDirections, type Rule } from "./rule.js";
import { numbered, numberIn, pattern, turns, until } from "./wait.js";

/** The rules about `close`. */
export const closingRules: readonly Rule[] = [
  ...bothDirections("close sends queued messages within flushTimeoutMs", async (direction) => {
    for (let index = 0; index < 5000; index += 1) {
      direction.send(index === 4999 ? pattern(5_000_000) : numbered(index));
    }
    await direction.close({ flushTimeoutMs: 10_000 });
    strictEqual(direction.queued(), 0);
    await until(() => direction.received.length === 5000, "the queued messages");
    strictEqual(Buffer.compare(direction.received[4999] ?? new Uint8Array(), pattern(5_000_000)), 0);
  }),

  ...bothDirections(
    "close drops queued messages; each settles once, with CHANNEL_CLOSED, before close resolves",
    async (direction) => {
      const count = 100;
      const outcomes: (MultifrostError | undefined)[][] = Array.from({ length: count }, () => []);
      for (const outcome of outcomes) {
        direction.send(numbered(1), (error) => outcome.push(error));
      }
      const queued = outcomes.slice(count - direction.queued());
      await direction.close();
      strictEqual(direction.queued(), 0);
      ok(outcomes.every(({ length }) => length === 1));
      ok(queued.flat().every((error) => error instanceof ConnectionError && error.code === "CHANNEL_CLOSED"));
    },
  ),

  ...bothDirections("send throws CHANNEL_CLOSED as soon as close is called", async (direction) => {
    const closed = direction.close({ flushTimeoutMs: 1000 });
    throws(() => direction.send(numbered(1)), { code: "CHANNEL_CLOSED" });
    await closed;
    throws(
      () => direction.send(numbered(1)),
      (error) => error instanceof ConnectionError && error.code === "CHANNEL_CLOSED",
    );
  }),

  ...bothDirections("close may be called again before and after it resolves", async (direction) => {
    await Promise.all([direction.close(), direction.close({ flushTimeoutMs: 100 })]);
    await direction.close();
  }),

  {
    name: "close drops what it cannot send within flushTimeoutMs",
    async check(bench) {
      const { client, server } = await bench.connect();
      await server.channel.close();
      await until(() => client.recorder.downs === 1, "down");
      const outcomes: unknown[] = [];
      client.channel.send(numbered(1), (error) => outcomes.push(error?.code));
      const start = performance.now();
      await client.channel.close({ flushTimeoutMs: 200 });
      const took = performance.now() - start;
      ok(took > 190 && took < 5000, `close took ${took} ms`);
      deepStrictEqual(outcomes, ["CHANNEL_CLOSED"]);
    },
  },

  {
    name: "no message comes once close is called, even if a handler calls it",
    async check(bench) {
      const { client, server, peer } = await bench.connect();
      let closed: Promise<void> | undefined;
      client.recorder.onMessage = (bytes) => {
        if (numberIn(bytes) === 500) {
          sendMany(client.channel);
          closed = client.channel.close({ flushTimeoutMs: 1000 });
        }
      };
      for (let index = 0; index < 1000; index += 1) {
        server.channel.send(peer, numbered(index));
      }
      await until(() => closed !== undefined, "the message whose handler closes");
      await closed;
      await turns(50);
      strictEqual(client.recorder.messages.length, 501);
    },
  },
];

/** Gives `close` something to do, during which messages could still come. */
function sendMany(channel: ClientChannel): void {
  for (let index = 0; index < 5000; index += 1) {
    channel.send(numbered(index));
  }
}
