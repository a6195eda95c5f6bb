import { ConnectionError, MultifrostError } from "@multifrost/protocol/errors";
import { expect, test } from "vitest";
import { Peers } from "../../src/session/peers.js";
import { FakeChannel } from "../support/fake-channel.js";

test("every peer that was seen is remembered once", () => {
  const peers = new Peers(new FakeChannel());
  for (const peer of ["a", "a", "b", "a", "b", "b"]) {
    peers.seen(peer);
  }
  expect([...peers].sort()).toEqual(["a", "b"]);
});

test("a peer that is gone is forgotten, until it is seen again", () => {
  const peers = new Peers(new FakeChannel());
  peers.seen("a");
  peers.gone("a");
  expect([...peers]).toEqual([]);
  peers.seen("a");
  expect([...peers]).toEqual(["a"]);
  peers.gone("never there");
});

test("beyond 10 000 the one that was silent for the longest time is forgotten", () => {
  const peers = new Peers(new FakeChannel());
  for (let count = 0; count < 10_000; count++) {
    peers.seen(`peer-${count}`);
  }
  peers.seen("peer-0");
  peers.seen("one more");
  const all = new Set(peers);
  expect(all.size).toBe(10_000);
  expect(all.has("peer-0")).toBe(true);
  expect(all.has("peer-1")).toBe(false);
  expect(all.has("one more")).toBe(true);
});

test("a peer that is unknown to the channel is forgotten, and the sender is notified", () => {
  const channel = new FakeChannel();
  const peers = new Peers(channel);
  const settled: unknown[] = [];
  const closed = new MultifrostError("CHANNEL_CLOSED", "closed");
  const unknown = new ConnectionError("PEER_UNKNOWN", "gone");
  peers.seen("a");
  peers.send("a", new Uint8Array(), (error) => void settled.push(error));
  channel.settle(closed);
  expect([...peers]).toEqual(["a"]);
  channel.settle(unknown);
  expect([...peers]).toEqual([]);
  expect(settled).toEqual([closed, unknown]);
});

test("answers need no outcome where the channel says who leaves", () => {
  const channel = new FakeChannel();
  const peers = new Peers(channel, true);
  peers.send("a", new Uint8Array());
  expect(channel.sent.map(({ settled }) => settled)).toEqual([undefined]);
});
