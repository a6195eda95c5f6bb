import { expect, test } from "vitest";
import { createPeers } from "../src/peers.js";

test("every peer that was seen is remembered once", () => {
  const peers = createPeers();
  for (const peer of ["a", "a", "b", "a", "b", "b"]) {
    peers.seen(peer);
  }
  expect([...peers.all()].sort()).toEqual(["a", "b"]);
});

test("a peer that is gone is forgotten, until it is seen again", () => {
  const peers = createPeers();
  peers.seen("a");
  peers.gone("a");
  expect([...peers.all()]).toEqual([]);
  peers.seen("a");
  expect([...peers.all()]).toEqual(["a"]);
  peers.gone("never there");
});

test("beyond 10 000 the one not heard of for the longest time is forgotten", () => {
  const peers = createPeers();
  for (let count = 0; count < 10_000; count++) {
    peers.seen(`peer-${count}`);
  }
  peers.seen("peer-0");
  peers.seen("one more");
  const all = new Set(peers.all());
  expect(all.size).toBe(10_000);
  expect(all.has("peer-0")).toBe(true);
  expect(all.has("peer-1")).toBe(false);
  expect(all.has("one more")).toBe(true);
});
