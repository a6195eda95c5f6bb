// Rules about a server and its peers: each gets its own, and none is held up by another.

import { deepStrictEqual, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { MultifrostError } from "@multifrost/protocol/errors";
import type { Peer } from "../channel.js";
import type { Rule } from "./case.js";
import type { ContractSetup } from "./setup.js";
import type { ServerEnd } from "./stage.js";
import { bytesOf, numbered, numberIn, until } from "./wait.js";

const severalClients = (setup: ContractSetup) => setup.listens !== "client";

/** See the file's header. */
export const peerRules: readonly Rule[] = [
  {
    name: "every peer of a server gets its own messages, in order, and no other's",
    applies: severalClients,
    async play(stage) {
      const server = await stage.openServer();
      const clients = await Promise.all(Array.from({ length: 20 }, () => stage.openClient(server.channel.endpoint)));
      server.heard.onMessage = (bytes, peer) => server.channel.send(peer, bytes);
      for (let index = 0; index < 2000; index += 1) {
        clients[index % 20]?.channel.send(numbered(index));
      }
      for (const [index, { heard }] of clients.entries()) {
        await until(() => heard.messages.length === 100, `the messages of client ${index}`);
        deepStrictEqual(
          heard.messages.map(numberIn),
          Array.from({ length: 100 }, (_, step) => index + 20 * step),
        );
      }
      strictEqual(new Set(server.heard.peers).size, 20);
    },
  },
  {
    name: "a message to a peer that was never there settles with PEER_UNKNOWN",
    async play(stage) {
      const { server } = await stage.connect();
      const outcome = await sendTo(server, "nobody");
      strictEqual(outcome?.code, "PEER_UNKNOWN");
      strictEqual(server.channel.queued, 0);
    },
  },
  {
    name: "a message to a peer that has gone settles with PEER_UNKNOWN, and those to others arrive",
    applies: severalClients,
    async play(stage) {
      const { client, server, peer } = await stage.connect();
      const other = await stage.openClient(server.channel.endpoint);
      other.channel.send(bytesOf("here"));
      await until(() => server.heard.peers.length === 1, "the other client");
      const otherPeer = server.heard.peers[0] ?? "";
      notStrictEqual(otherPeer, peer);
      await client.channel.close();
      await until(() => server.heard.downs === 1, "down");
      strictEqual((await sendTo(server, peer))?.code, "PEER_UNKNOWN");
      strictEqual(await sendTo(server, otherPeer), undefined);
      await until(() => other.heard.messages.length === 1, "the message to the other client");
    },
  },
  {
    name: "a peer that does not read holds up no other",
    applies: (setup) => severalClients(setup) && setup.openSilentPeer !== undefined,
    async play(stage) {
      const { client, server, peer } = await stage.connect();
      const end = await stage.setup.openSilentPeer?.(server.channel.endpoint);
      await until(() => server.heard.peers.length === 1, "the silent peer");
      const silent = server.heard.peers[0] ?? "";
      for (let index = 0; index < 100; index += 1) {
        server.channel.send(silent, new Uint8Array(1024 * 1024));
      }
      server.channel.send(peer, bytesOf("still here"));
      await until(() => client.heard.messages.length === 1, "the message to the peer that reads");
      ok(end);
      end();
    },
  },
];

async function sendTo(server: ServerEnd, peer: Peer): Promise<MultifrostError | undefined> {
  return new Promise((resolve) => {
    server.channel.send(peer, bytesOf("to you"), resolve);
  });
}
