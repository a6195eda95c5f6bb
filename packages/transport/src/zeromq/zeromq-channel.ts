// A channel on a ZeroMQ socket. A client (DEALER) sends [empty, payload] and receives the same; on the server's side
// (ROUTER) the library adds the peer in front: [peer, empty, payload].

import {
  callSafely,
  LONGEST_TIMER_MS,
  type MessageParts,
  rethrowLater,
  withLimit,
} from "@multifrost/protocol/internal";
import type {
  Channel,
  ChannelLimits,
  ClientChannel,
  ClientEvents,
  CloseOptions,
  ConnectionEvents,
  DropReason,
  Peer,
  SendOptions,
  SendSettled,
  ServerChannel,
  ServerEvents,
} from "../channel.js";
import { channelClosed } from "../channel-errors.js";
import { inOnePiece } from "../in-one-piece.js";
import { type Outgoing, settle } from "../send-queue.js";
import { connectionChanges } from "./connection-changes.js";
import type { OpenSocket } from "./open-socket.js";
import { Outbox, type SendRules } from "./outbox.js";
import { isTryAgain, socketFailed } from "./socket-errors.js";

/** The empty frame: the library writes it without looking at memory. */
const EMPTY = null;

/** The most turns of the event loop that `down` waits for messages that arrived before it. */
const MOST_TURNS = 100;

/** What both kinds of channel share: receiving, events, and closing. */
abstract class ZeromqChannel implements Channel {
  readonly endpoint: string;
  readonly #open: OpenSocket;
  readonly #limits: Required<ChannelLimits>;
  readonly #events: ConnectionEvents;
  readonly #outbox: Outbox;
  /** Resolves when the library has released the socket. */
  readonly #released: Promise<void>;
  #phase: "open" | "closing" | "closed" = "open";
  /** Messages received, including those that were dropped. */
  #arrived = 0;
  #closing: Promise<void> | undefined;

  constructor(open: OpenSocket, limits: Required<ChannelLimits>, events: ConnectionEvents, rules: SendRules) {
    this.endpoint = open.endpoint;
    this.#open = open;
    this.#limits = limits;
    this.#events = events;
    const fail = (cause: unknown) => this.#fail(cause);
    this.#outbox = new Outbox(open, limits, rules, fail);
    // In the next turn, when the caller of `open` has the channel.
    const started = nextTurn();
    this.#released = started.then(() => this.#watch()).catch(fail);
    started.then(() => this.#receive()).catch(fail);
  }

  get queued(): number {
    return this.#outbox.length;
  }

  close({ flushTimeoutMs = 0 }: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#shutDown(flushTimeoutMs);
    return this.#closing;
  }

  /** Passes a message to its event, or returns why it is not one. */
  protected abstract deliver(frames: readonly Buffer[]): DropReason | undefined;

  protected push(item: Outgoing): void {
    if (this.#phase !== "open") {
      throw channelClosed(this.endpoint);
    }
    this.#outbox.push(item);
  }

  /** Checks the frames of a message; further frames behind the payload are ignored. */
  protected payloadOf(delimiter: Buffer | undefined, payload: Buffer | undefined): Uint8Array | DropReason {
    if (delimiter === undefined || payload === undefined || delimiter.byteLength !== 0) {
      return "wrong-frames";
    }
    if (payload.byteLength > this.#limits.maxMessageBytes) {
      return "too-large";
    }
    // The same memory as a plain Uint8Array: `slice`, `toString` and others differ on a Buffer.
    return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
  }

  /**
   * Reads until the socket is closed, one message after the other. The waiting function refers to the socket, which keeps
   * it alive: the garbage collector closes a socket that only its pending receive refers to.
   */
  async #receive(): Promise<void> {
    const { socket } = this.#open;
    // Asking the socket whether it is closed is a native call.
    while (this.#phase !== "closed") {
      try {
        const frames = await socket.receive();
        this.#arrived += 1;
        this.#handle(frames);
      } catch (error) {
        // EAGAIN is the code of a timeout, and also how closing ends a pending receive.
        if (!socket.closed && !isTryAgain(error)) {
          throw error;
        }
      }
    }
  }

  #handle(frames: readonly Buffer[]): void {
    if (this.#phase !== "open") {
      return;
    }
    try {
      const reason = this.deliver(frames);
      if (reason !== undefined) {
        this.#events.dropped(reason);
      }
    } catch (error) {
      rethrowLater(error);
    }
  }

  /** Reports connections until the library has released the socket. */
  async #watch(): Promise<void> {
    for await (const change of connectionChanges(this.#open.observer)) {
      if (change === "up") {
        this.#outbox.connectionUp();
        this.#emit(() => this.#events.up());
      } else {
        await this.#arrivedMessages();
        this.#outbox.connectionDown();
        this.#emit(() => this.#events.down());
      }
    }
  }

  /**
   * Waits until messages that came before a disconnect are delivered: an answer that arrived is not lost. Does not ask
   * whether the socket is readable: the question takes away the only sign that a pending receive waits for.
   */
  async #arrivedMessages(): Promise<void> {
    for (let turn = 0; turn < MOST_TURNS; turn += 1) {
      const before = this.#arrived;
      // The first one ends the turn of the event; everything that is there is read before the second one.
      await nextTurn();
      await nextTurn();
      if (this.#open.socket.closed || this.#arrived === before) {
        return;
      }
    }
  }

  #emit(event: () => void): void {
    if (this.#phase === "open") {
      callSafely(event);
    }
  }

  #fail(cause: unknown): void {
    this.#emit(() => this.#events.failed(socketFailed(this.endpoint, cause)));
    void this.close();
  }

  async #shutDown(flushTimeoutMs: number): Promise<void> {
    this.#phase = "closing";
    const deadline = performance.now() + Math.min(flushTimeoutMs, LONGEST_TIMER_MS);
    if (flushTimeoutMs > 0 && this.#outbox.length > 0) {
      await withLimit(this.#outbox.drained(), flushTimeoutMs, () => {});
    }
    this.#phase = "closed";
    const left = this.#outbox.clear();
    const { socket } = this.#open;
    // The library sends what it has taken for the rest of the time.
    socket.linger = Math.max(0, Math.ceil(deadline - performance.now()));
    socket.close();
    // `settled` is not called from inside `close`.
    await Promise.resolve();
    for (const item of left) {
      settle(item, channelClosed(this.endpoint));
    }
    await this.#released;
  }
}

/** The caller's end. */
export class DealerChannel extends ZeromqChannel implements ClientChannel {
  readonly #events: ClientEvents;

  constructor(open: OpenSocket, limits: Required<ChannelLimits>, events: ClientEvents) {
    super(open, limits, events, {
      when: "writable",
      toFrames: ({ bytes }) => [EMPTY, bytes instanceof Uint8Array ? bytes : inOnePiece(bytes)],
    });
    this.#events = events;
  }

  send(bytes: Uint8Array | MessageParts, settled?: SendSettled, options?: SendOptions): void {
    this.push({ peer: "", bytes, settled, urgent: options?.urgent === true });
  }

  sendParts(message: MessageParts, settled?: SendSettled, options?: SendOptions): void {
    this.send(message, settled, options);
  }

  protected override deliver(frames: readonly Buffer[]): DropReason | undefined {
    const payload = this.payloadOf(frames[0], frames[1]);
    if (typeof payload === "string") {
      return payload;
    }
    this.#events.message(payload);
    return undefined;
  }
}

/** The answering end. It never calls `peerGone`: ZeroMQ does not say whose connection ended. */
export class RouterChannel extends ZeromqChannel implements ServerChannel {
  readonly #events: ServerEvents;

  constructor(open: OpenSocket, limits: Required<ChannelLimits>, events: ServerEvents) {
    super(open, limits, events, {
      when: open.action === "connect" ? "connected" : "always",
      toFrames: ({ peer, bytes }) => [
        Buffer.from(peer, "latin1"),
        EMPTY,
        bytes instanceof Uint8Array ? bytes : inOnePiece(bytes),
      ],
    });
    this.#events = events;
  }

  send(peer: Peer, bytes: Uint8Array | MessageParts, settled?: SendSettled, options?: SendOptions): void {
    this.push({ peer, bytes, settled, urgent: options?.urgent === true });
  }

  sendParts(peer: Peer, message: MessageParts, settled?: SendSettled, options?: SendOptions): void {
    this.send(peer, message, settled, options);
  }

  protected override deliver(frames: readonly Buffer[]): DropReason | undefined {
    const payload = this.payloadOf(frames[1], frames[2]);
    if (typeof payload === "string") {
      return payload;
    }
    // latin1 turns each byte of the peer's name into one character, and back.
    this.#events.message(frames[0]?.toString("latin1") ?? "", payload);
    return undefined;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
