// Records the events of one channel, and notes those that come when they must not.

import type { Peer, ServerEvents } from "@multifrost/transport";

/** What the channels of one case share: the calls of `send` in progress, and the events that broke a rule. */
export class EventOrder {
  /** A description of each event that came when it must not. */
  readonly breaches: string[] = [];
  #sends = 0;

  /** Runs `send` of any channel; an event meanwhile is a breach. */
  duringSend(send: () => void): void {
    this.#sends += 1;
    try {
      send();
    } finally {
      this.#sends -= 1;
    }
  }

  check(event: string, recorder: EventRecorder): void {
    if (recorder.phase !== "open") {
      this.breaches.push(`"${event}" ${recorder.phase === "opening" ? "before open" : "after close"} resolved`);
    }
    if (this.#sends > 0) {
      this.breaches.push(`"${event}" from inside send`);
    }
    if (recorder.isHandling) {
      this.breaches.push(`"${event}" while another event was handled`);
    }
  }
}

/** Records what one channel reports. */
export class EventRecorder {
  readonly messages: Uint8Array[] = [];
  /** The sender of each message; empty strings on a client. */
  readonly peers: Peer[] = [];
  /** Reasons of connections that ended without having been accepted. */
  readonly refusals: string[] = [];
  ups = 0;
  downs = 0;
  /** The number of messages when `down` last came. */
  messagesBeforeDown = 0;
  /** What a case does with each message. */
  onMessage: (bytes: Uint8Array, peer: Peer) => void = () => {};
  /** Events may come while this is `open`: from when `open` resolves until `close` resolves. */
  phase: "opening" | "open" | "closed" = "opening";
  isHandling = false;
  /** For a server. A client passes an empty peer to `message`. */
  readonly events: ServerEvents;

  constructor(order: EventOrder) {
    const handle = (event: string, record: () => void) => {
      order.check(event, this);
      this.isHandling = true;
      try {
        record();
      } finally {
        this.isHandling = false;
      }
    };
    this.events = {
      up: () =>
        handle("up", () => {
          this.ups += 1;
        }),
      down: () =>
        handle("down", () => {
          this.downs += 1;
          this.messagesBeforeDown = this.messages.length;
        }),
      dropped: () => handle("dropped", () => {}),
      failed: () => handle("failed", () => {}),
      refused: (reason) => handle("refused", () => this.refusals.push(reason)),
      notListening: () => handle("notListening", () => {}),
      peerGone: () => handle("peerGone", () => {}),
      message: (peer, bytes) =>
        handle("message", () => {
          this.peers.push(peer);
          this.messages.push(bytes);
          this.onMessage(bytes, peer);
        }),
    };
  }

  /** Forgets the messages so far. */
  clear(): void {
    this.messages.length = 0;
    this.peers.length = 0;
  }
}
