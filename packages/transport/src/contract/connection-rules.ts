// Rules about connections: waiting for one, losing it, getting it back, and handlers that fail.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { bothWays, type Rule } from "./case.js";
import type { ClientEnd, ServerEnd, Stage } from "./stage.js";
import { bytesOf, numbered, numberIn, turns, until } from "./wait.js";

/** See the file's header. */
export const connectionRules: readonly Rule[] = [
  {
    name: "open resolves without anybody at the other end, and what is sent waits in order",
    async play(stage) {
      const { client, openServer } = await clientAlone(stage);
      let settled = 0;
      for (let index = 0; index < 100; index += 1) {
        client.channel.send(numbered(index), () => {
          settled += 1;
        });
      }
      await turns(50);
      strictEqual(client.channel.queued, 100);
      strictEqual(settled, 0);
      strictEqual(client.heard.ups, 0);
      strictEqual(client.heard.downs, 0, "down without an up before it");
      const server = await openServer();
      await until(() => server.heard.messages.length === 100, "what waited for a connection");
      deepStrictEqual(
        server.heard.messages.map(numberIn),
        Array.from({ length: 100 }, (_, index) => index),
      );
    },
  },
  {
    name: "the end that stays hears down when the other closes, up when it is back, and goes on",
    async play(stage) {
      const { client, server } = await stage.connect();
      const { stays, leaves, reopen } = roles(stage, client, server);
      await leaves.channel.close();
      await until(() => stays.heard.downs === 1, "down");
      strictEqual(stays.heard.ups, 1);
      const back = await reopen();
      await until(() => stays.heard.ups === 2 && back.heard.ups === 1, "up again");
      const [nowClient, nowServer] = stays === client ? [client, back as ServerEnd] : [back as ClientEnd, server];
      nowClient.channel.send(bytesOf("again"));
      await until(() => nowServer.heard.messages.length === 1, "a message on the new connection");
      nowServer.channel.send(nowServer.heard.peers[0] ?? "", bytesOf("and back"));
      await until(() => nowClient.heard.messages.length === 1, "its answer");
    },
  },
  ...bothWays("down comes after every message that arrived before it", async (way) => {
    for (let index = 0; index < 5000; index += 1) {
      way.send(numbered(index));
    }
    await way.close({ flushTimeoutMs: 10_000 });
    await until(() => way.down().times === 1, "down");
    strictEqual(way.down().messagesBefore, 5000);
    strictEqual(way.received.length, 5000);
  }),
  {
    name: "send may be called from inside an event, and messages come one at a time",
    async play(stage) {
      const { client, server } = await stage.connect();
      server.heard.onMessage = (bytes, peer) => {
        server.channel.send(peer, bytes);
        server.channel.send(peer, bytes);
      };
      for (let index = 0; index < 1000; index += 1) {
        client.channel.send(numbered(index));
      }
      await until(() => client.heard.messages.length === 2000, "two answers to each message");
      ok(client.heard.messages.every((bytes, index) => numberIn(bytes) === index >> 1));
    },
  },
  {
    name: "a handler that throws is an uncaught exception, and the channel goes on",
    async play(stage) {
      const { client, server } = await stage.connect();
      const thrown = new Error("thrown by a handler");
      server.heard.onMessage = () => {
        server.heard.onMessage = () => {};
        throw thrown;
      };
      const caught = await uncaughtDuring(async () => {
        client.channel.send(numbered(0));
        client.channel.send(numbered(1), () => {
          throw thrown;
        });
        client.channel.send(numbered(2));
        await until(() => server.heard.messages.length === 3, "the messages after the one whose handler threw");
      });
      deepStrictEqual(caught, [thrown, thrown]);
    },
  },
];

/** A client that nobody is there for yet, and how to open the server it waits for. */
async function clientAlone(stage: Stage): Promise<{ client: ClientEnd; openServer(): Promise<ServerEnd> }> {
  if (stage.setup.listens === "client") {
    const client = await stage.openClient();
    return { client, openServer: () => stage.openServer(client.channel.endpoint) };
  }
  const first = await stage.openServer();
  const { endpoint } = first.channel;
  await first.channel.close();
  return { client: await stage.openClient(endpoint), openServer: () => stage.openServer(endpoint) };
}

/** Who goes and comes back at the same endpoint: the end that listens. */
function roles(stage: Stage, client: ClientEnd, server: ServerEnd) {
  return stage.setup.listens === "client"
    ? { stays: server, leaves: client, reopen: () => stage.openClient(client.channel.endpoint) }
    : { stays: client, leaves: server, reopen: () => stage.openServer(server.channel.endpoint) };
}

/** Takes uncaught exceptions out of the test runner's hands for a while. */
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
