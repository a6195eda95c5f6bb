// Sends queued messages on one socket: waits for a connection, sends in turns, and settles each message.

import { SerializationError } from "@multifrost/protocol/errors";
import type { ChannelLimits } from "../channel.js";
import { channelClosed, peerUnknown } from "../channel-errors.js";
import { type Outgoing, SendQueue, settle } from "../send-queue.js";
import type { OpenSocket } from "./open-socket.js";
import { connectionLost, isNoSuchPeer, isTryAgain, socketFailed } from "./socket-errors.js";

/** Messages sent in one turn of the event loop, so that reading gets its turn as well. */
const PER_TURN = 512;

/** Messages that are sent without waiting for the end of the turn: the other end works on them meanwhile. */
const BATCH = 32;

/** What the kinds of socket do differently when they send. */
export interface SendRules {
  /**
   * `always`: each message has its own connection, whose absence fails the send. `connected`: not while the one
   * connection is down. `writable`: as `connected`, and not before the socket reports itself writable, since a new
   * connection takes a moment to reach it.
   */
  readonly when: "always" | "connected" | "writable";
  /** The frames of a message. */
  toFrames(item: Outgoing): (Uint8Array | null)[];
}

/** The sending side of a channel. */
export class Outbox {
  readonly #open: OpenSocket;
  readonly #queue: SendQueue;
  readonly #rules: SendRules;
  readonly #onFailure: (cause: unknown) => void;
  #connections = 0;
  /** Whether the socket takes messages since its latest connection came up. */
  #writable: boolean;
  #failed = false;
  #scheduled = false;
  #whenEmpty: (() => void) | undefined;

  /** @param onFailure - Called when the socket is broken and sends nothing more. */
  constructor(
    open: OpenSocket,
    limits: Required<ChannelLimits>,
    rules: SendRules,
    onFailure: (cause: unknown) => void,
  ) {
    this.#open = open;
    this.#queue = new SendQueue(limits);
    this.#rules = rules;
    this.#onFailure = onFailure;
    this.#writable = rules.when !== "writable";
  }

  get length(): number {
    return this.#queue.length;
  }

  /** Queues a message and schedules its sending. Throws like {@link SendQueue.push}. */
  push(item: Outgoing): void {
    this.#queue.push(item);
    if (!this.#scheduled) {
      void this.#sendSoon();
    } else if (this.#queue.length === BATCH) {
      queueMicrotask(this.#sendSome);
    }
  }

  connectionUp(): void {
    this.#connections += 1;
    this.#writable = this.#rules.when !== "writable";
    void this.#sendSoon();
  }

  connectionDown(): void {
    this.#connections -= 1;
  }

  /** Resolves when every queued message has been sent. The queue must not be empty. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenEmpty = resolve;
      void this.#sendSoon();
    });
  }

  /** Takes out everything that waits; nothing touches the socket afterwards. */
  clear(): Outgoing[] {
    return this.#queue.clear();
  }

  #canSend(): boolean {
    return !this.#failed && (this.#connections > 0 || this.#rules.when === "always");
  }

  /**
   * Sends a message that is alone at once, and several at the end of the turn: then the library's thread wakes up once and
   * not for each. The next message that is there has been read, and answered, two microtasks later.
   */
  async #sendSoon(): Promise<void> {
    if (this.#scheduled || !this.#canSend()) {
      return;
    }
    this.#scheduled = true;
    await undefined;
    await undefined;
    if (this.#queue.length > 1) {
      process.nextTick(this.#sendSome);
    } else {
      this.#sendSome();
    }
  }

  /** Sends what a turn of the event loop may send, and again in the next one while messages wait. */
  readonly #sendSome = (): void => {
    if (this.#queue.length > 0 && this.#canSend()) {
      // Asking takes away the sign that a pending receive waits for; the send that follows gives it back.
      this.#writable ||= this.#open.socket.writable;
      for (let sent = 0; this.#writable && sent < PER_TURN; sent += 1) {
        const item = this.#queue.shift();
        if (item === undefined) {
          break;
        }
        void this.#send(item);
      }
    }
    if (this.#queue.length > 0 && this.#canSend()) {
      setImmediate(this.#sendSome);
      return;
    }
    this.#scheduled = false;
    if (this.#queue.length === 0) {
      this.#whenEmpty?.();
    }
  };

  /** Needs no waiting for the send before it, since no send blocks. */
  async #send(item: Outgoing): Promise<void> {
    try {
      // Throws some errors at once, such as that the socket is closed, and rejects with others.
      await this.#open.socket.send(this.#rules.toFrames(item));
    } catch (cause) {
      this.#refused(item, cause);
      return;
    }
    if (item.settled !== undefined) {
      settle(item);
    }
  }

  #refused(item: Outgoing, cause: unknown): void {
    const { socket, endpoint } = this.#open;
    if (isNoSuchPeer(cause)) {
      settle(item, peerUnknown(endpoint, item.peer, cause));
    } else if (socket.closed) {
      settle(item, channelClosed(endpoint));
    } else if (cause instanceof SerializationError) {
      settle(item, cause);
    } else if (isTryAgain(cause)) {
      settle(item, connectionLost(endpoint, cause));
    } else {
      this.#failed = true;
      settle(item, socketFailed(endpoint, cause));
      this.#onFailure(cause);
    }
  }
}
