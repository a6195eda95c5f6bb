// Rules about a server and its peers: each gets its own messages, and none delays another.

import { deepStrictEqual, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { MultifrostError } from "@multifrost/protocol/errors";
import type { Peer } from "@multifrost/transport";
import type { Rule } from "./rule.js";
import type { ContractSetup } from "./setup.js";
import type { ServerEnd } from "./test-bench.js";
import { bytesOf, numbered, numberIn, until } from "./wait.js";

const severalClients = (setup: ContractSetup) => setup.listens !== "client";

/** The rules about peers. */
export const peerRules: readonly Rule[] = [
  {
    name: "each peer of a server gets only its own messages, in order",
    applies: severalClients,
    async check(bench) {
      const server = await bench.openServer();
      const clients = await Promise.all(Array.from({ length: 20 }, () => bench.openClient(server.channel.endpoint)));
      server.recorder.onMessage = (bytes, peer) => server.channel.send(peer, bytes);
      for (let index = 0; index < 2000; index += 1) {
        clients[index % 20]?.channel.send(numbered(index));
      }
      for (const [index, { recorder }] of clients.entries()) {
        await until(() => recorder.messages.length === 100, `the messages of client ${index}`);
        deepStrictEqual(
          recorder.messages.map(numberIn),
          Array.from({ length: 100 }, (_, step) => index + 20 * step),
        );
      }
      strictEqual(new Set(server.recorder.peers).size, 20);
    },
  },
  {
    name: "a message to an unknown peer settles with PEER_UNKNOWN",
    async check(bench) {
      const { server } = await bench.connect();
      const outcome = await sendTo(server, "unknown");
      strictEqual(outcome?.code, "PEER_UNKNOWN");
      strictEqual(server.channel.queued, 0);
    },
  },
  {
    name: "a message to a peer that has left settles with PEER_UNKNOWN, and messages to others arrive",
    applies: severalClients,
    async check(bench) {
      const { client, server, peer } = await bench.connect();
      const other = await bench.openClient(server.channel.endpoint);
      other.channel.send(bytesOf("here"));
      await until(() => server.recorder.peers.length === 1, "the other client");
      const otherPeer = server.recorder.peers[0] ?? "";
      notStrictEqual(otherPeer, peer);
      await client.channel.close();
      await until(() => server.recorder.downs === 1, "down");
      strictEqual((await sendTo(server, peer))?.code, "PEER_UNKNOWN");
      strictEqual(await sendTo(server, otherPeer), undefined);
      await until(() => other.recorder.messages.length === 1, "the message to the other client");
    },
  },
  {
    name: "a peer that does not read does not delay the others",
    applies: (setup) => severalClients(setup) && setup.openSilentPeer !== undefined,
    async check(bench) {
      const { client, server, peer } = await bench.connect();
      const disconnect = await bench.setup.openSilentPeer?.(server.channel.endpoint);
      await until(() => server.recorder.peers.length === 1, "the silent peer");
      const silent = server.recorder.peers[0] ?? "";
      for (let index = 0; index < 100; index += 1) {
        server.channel.send(silent, new Uint8Array(1024 * 1024));
      }
      server.channel.send(peer, bytesOf("still here"));
      await until(() => client.recorder.messages.length === 1, "the message to the peer that reads");
      ok(disconnect);
      disconnect();
    },
  },
];

async function sendTo(server: ServerEnd, peer: Peer): Promise<MultifrostError | undefined> {
  return new Promise((resolve) => {
    server.channel.send(peer, bytesOf("to you"), resolve);
  });
}
