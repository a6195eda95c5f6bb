// Listens to one channel for the suite: keeps what it hears, and notes where the channel speaks out of turn.

import type { MultifrostError } from "@multifrost/protocol/errors";
import type { DropReason, Peer, ServerEvents } from "../channel.js";

/** What one channel has said so far. */
export interface Heard {
  readonly messages: Uint8Array[];
  /** Who sent each of them; empty strings on a client. */
  readonly peers: Peer[];
  readonly dropped: DropReason[];
  readonly failures: MultifrostError[];
  ups: number;
  downs: number;
  /** How many messages had come when `down` was last heard. */
  messagesBeforeDown: number;
  /** What a case does on each message. */
  onMessage: (bytes: Uint8Array, peer: Peer) => void;
}

/** What the suite knows of the moment in which an event comes. */
export interface Moment {
  /** How many calls of `send` are running, of any channel. */
  sending: number;
  /** Every breach of the rules about events that was seen. */
  readonly breaches: string[];
}

/** Whether events may come: from `open` resolved until `close` resolved. */
export interface Lifetime {
  state: "opening" | "open" | "closed";
}

/** Starts listening. The events work for a client too: call `message` with an empty peer. */
export function listen(moment: Moment, lifetime: Lifetime): { heard: Heard; events: ServerEvents } {
  const heard: Heard = {
    messages: [],
    peers: [],
    dropped: [],
    failures: [],
    ups: 0,
    downs: 0,
    messagesBeforeDown: 0,
    onMessage: () => {},
  };
  let inside = false;

  const during = (event: string, note: () => void) => {
    if (lifetime.state !== "open") {
      moment.breaches.push(`"${event}" ${lifetime.state === "opening" ? "before open" : "after close"} resolved`);
    }
    if (moment.sending > 0) {
      moment.breaches.push(`"${event}" from inside send`);
    }
    if (inside) {
      moment.breaches.push(`"${event}" while another event was handled`);
    }
    inside = true;
    try {
      note();
    } finally {
      inside = false;
    }
  };

  const events: ServerEvents = {
    up: () =>
      during("up", () => {
        heard.ups += 1;
      }),
    down: () =>
      during("down", () => {
        heard.downs += 1;
        heard.messagesBeforeDown = heard.messages.length;
      }),
    dropped: (reason) => during("dropped", () => void heard.dropped.push(reason)),
    failed: (error) => during("failed", () => void heard.failures.push(error)),
    peerGone: () => during("peerGone", () => {}),
    message: (peer, bytes) =>
      during("message", () => {
        heard.peers.push(peer);
        heard.messages.push(bytes);
        heard.onMessage(bytes, peer);
      }),
  };
  return { heard, events };
}
