// Rules about `close`: what is still sent, what settles how, and that it is really over.

import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { ConnectionError, type MultifrostError } from "@multifrost/protocol/errors";
import type { ClientChannel } from "../channel.js";
import { bothWays, type Rule } from "./case.js";
import { numbered, numberIn, pattern, turns, until } from "./wait.js";

/** See the file's header. */
export const closingRules: readonly Rule[] = [
  ...bothWays("close sends what is queued within flushTimeoutMs", async (way) => {
    for (let index = 0; index < 5000; index += 1) {
      way.send(index === 4999 ? pattern(5_000_000) : numbered(index));
    }
    await way.close({ flushTimeoutMs: 10_000 });
    strictEqual(way.queued(), 0);
    await until(() => way.received.length === 5000, "everything that was queued");
    strictEqual(Buffer.compare(way.received[4999] ?? new Uint8Array(), pattern(5_000_000)), 0);
  }),

  ...bothWays(
    "close drops what is queued; all of it settles once, with CHANNEL_CLOSED, before close resolves",
    async (way) => {
      const outcomes: (MultifrostError | undefined)[] = [];
      for (let index = 0; index < 100; index += 1) {
        way.send(numbered(index), (error) => outcomes.push(error));
      }
      await way.close();
      strictEqual(way.queued(), 0);
      deepStrictEqual(
        outcomes.map((error) => error?.code),
        Array.from({ length: 100 }, () => "CHANNEL_CLOSED"),
      );
      ok(outcomes.every((error) => error instanceof ConnectionError));
    },
  ),

  ...bothWays("from the call of close on, send throws CHANNEL_CLOSED", async (way) => {
    const closed = way.close({ flushTimeoutMs: 1000 });
    throws(() => way.send(numbered(1)), { code: "CHANNEL_CLOSED" });
    await closed;
    throws(
      () => way.send(numbered(1)),
      (error) => error instanceof ConnectionError && error.code === "CHANNEL_CLOSED",
    );
  }),

  ...bothWays("close may be called again, before and after it resolved", async (way) => {
    await Promise.all([way.close(), way.close({ flushTimeoutMs: 100 })]);
    await way.close();
  }),

  {
    name: "close gives up on what cannot be sent after flushTimeoutMs",
    async play(stage) {
      const { client, server } = await stage.connect();
      await server.channel.close();
      await until(() => client.heard.downs === 1, "down");
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
    name: "receiving stops at the call of close, from inside an event too",
    async play(stage) {
      const { client, server, peer } = await stage.connect();
      let closed: Promise<void> | undefined;
      client.heard.onMessage = (bytes) => {
        if (numberIn(bytes) === 500) {
          sendMany(client.channel);
          closed = client.channel.close({ flushTimeoutMs: 1000 });
        }
      };
      for (let index = 0; index < 1000; index += 1) {
        server.channel.send(peer, numbered(index));
      }
      await until(() => closed !== undefined, "the message that closes");
      await closed;
      await turns(50);
      strictEqual(client.heard.messages.length, 501);
    },
  },
];

/** Gives `close` something to do, during which messages could still come. */
function sendMany(channel: ClientChannel): void {
  for (let index = 0; index < 5000; index += 1) {
    channel.send(numbered(index));
  }
}
