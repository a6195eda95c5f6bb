// The parents seen so far: whoever has sent a message gets the output. Bounded, as peers come from outside.

import type { Peer } from "@multifrost/transport";

/** Peers remembered; beyond, the one not heard of for the longest time is forgotten. */
const MAX_PEERS = 10_000;

/** A set of peers in the order in which they were last heard of. */
export interface Peers {
  all(): Iterable<Peer>;
  seen(peer: Peer): void;
  gone(peer: Peer): void;
}

/** Makes an empty set. */
export function createPeers(): Peers {
  const peers = new Set<Peer>();
  let latest: Peer | undefined;
  return {
    all: () => peers,
    seen(peer) {
      if (peer === latest) {
        return;
      }
      latest = peer;
      peers.delete(peer);
      peers.add(peer);
      const [oldest] = peers;
      if (peers.size > MAX_PEERS && oldest !== undefined) {
        peers.delete(oldest);
      }
    },
    gone(peer) {
      peers.delete(peer);
      latest = latest === peer ? undefined : latest;
    },
  };
}
