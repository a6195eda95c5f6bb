// Rules about connections: waiting for one, losing it, getting it back; and about handlers that throw.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { bothDirections, type Rule } from "./rule.js";
import type { ClientEnd, ServerEnd, TestBench } from "./test-bench.js";
import { bytesOf, numbered, numberIn, turns, until } from "./wait.js";

/** The rules about connections and handlers. */
export const connectionRules: readonly Rule[] = [
  {
    name: "open resolves with no peer connected, and messages wait in order",
    async check(bench) {
      const { client, openServer } = await clientAlone(bench);
      let settled = 0;
      for (let index = 0; index < 100; index += 1) {
        client.channel.send(numbered(index), () => {
          settled += 1;
        });
      }
      await turns(50);
      strictEqual(client.channel.queued, 100);
      strictEqual(settled, 0);
      strictEqual(client.recorder.ups, 0);
      strictEqual(client.recorder.downs, 0, "down without an up before it");
      const server = await openServer();
      await until(() => server.recorder.messages.length === 100, "the messages that waited for a connection");
      deepStrictEqual(
        server.recorder.messages.map(numberIn),
        Array.from({ length: 100 }, (_, index) => index),
      );
    },
  },
  {
    name: "an end gets down when the other closes and up when it returns, and messages flow again",
    async check(bench) {
      const { client, server } = await bench.connect();
      const { stays, leaves, reopen } = roles(bench, client, server);
      await leaves.channel.close();
      await until(() => stays.recorder.downs === 1, "down");
      strictEqual(stays.recorder.ups, 1);
      const now = await reopen();
      const returned = now.client === client ? now.server : now.client;
      await until(() => stays.recorder.ups === 2 && returned.recorder.ups === 1, "up again");
      now.client.channel.send(bytesOf("again"));
      await until(() => now.server.recorder.messages.length === 1, "a message on the new connection");
      now.server.channel.send(now.server.recorder.peers[0] ?? "", bytesOf("and back"));
      await until(() => now.client.recorder.messages.length === 1, "its answer");
    },
  },
  ...bothDirections("down comes after every message that arrived before it", async (direction) => {
    for (let index = 0; index < 5000; index += 1) {
      direction.send(numbered(index));
    }
    await direction.close({ flushTimeoutMs: 10_000 });
    await until(() => direction.down().times === 1, "down");
    strictEqual(direction.down().messagesBefore, 5000);
    strictEqual(direction.received.length, 5000);
  }),
  {
    name: "send may be called from inside an event, and messages come one at a time",
    async check(bench) {
      const { client, server } = await bench.connect();
      server.recorder.onMessage = (bytes, peer) => {
        server.channel.send(peer, bytes);
        server.channel.send(peer, bytes);
      };
      for (let index = 0; index < 1000; index += 1) {
        client.channel.send(numbered(index));
      }
      await until(() => client.recorder.messages.length === 2000, "two answers to each message");
      ok(client.recorder.messages.every((bytes, index) => numberIn(bytes) === index >> 1));
    },
  },
  {
    name: "what a handler throws is an uncaught exception, and the channel keeps working",
    async check(bench) {
      const { client, server } = await bench.connect();
      const thrown = new Error("thrown by a handler");
      server.recorder.onMessage = () => {
        server.recorder.onMessage = () => {};
        throw thrown;
      };
      const caught = await uncaughtDuring(async () => {
        client.channel.send(numbered(0));
        client.channel.send(numbered(1), () => {
          throw thrown;
        });
        client.channel.send(numbered(2));
        await until(() => server.recorder.messages.length === 3, "the messages after the one whose handler threw");
      });
      deepStrictEqual(caught, [thrown, thrown]);
    },
  },
];

/** A client without a server, and a function that opens the server. */
async function clientAlone(bench: TestBench): Promise<{ client: ClientEnd; openServer(): Promise<ServerEnd> }> {
  if (bench.setup.listens === "client") {
    const client = await bench.openClient();
    return { client, openServer: () => bench.openServer(client.channel.endpoint) };
  }
  const first = await bench.openServer();
  const { endpoint } = first.channel;
  await first.channel.close();
  return { client: await bench.openClient(endpoint), openServer: () => bench.openServer(endpoint) };
}

/** The end that listens leaves, and returns at the same endpoint. */
function roles(bench: TestBench, client: ClientEnd, server: ServerEnd) {
  return bench.setup.listens === "client"
    ? {
        stays: server,
        leaves: client,
        reopen: async () => ({ client: await bench.openClient(client.channel.endpoint), server }),
      }
    : {
        stays: client,
        leaves: server,
        reopen: async () => ({ client, server: await bench.openServer(server.channel.endpoint) }),
      };
}

/** Captures uncaught exceptions before the test runner does. */
async function uncaughtDuring(work: () => Promise<void>): Promise<unknown[]> {
  const caught: unknown[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => caught.push(error));
  try {
    await work();
    await until(() => caught.length >= 2, "the uncaught exceptions");
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
  return caught;
}
