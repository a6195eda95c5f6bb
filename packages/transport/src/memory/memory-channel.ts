// The ends of in-memory connections: real channels with real queues.

// Not the global one, which fake timers of test runners replace: calls must be answered all the same.
import { setImmediate } from "node:timers";
import type { MultifrostError } from "@multifrost/protocol/errors";
import { callSafely, withLimit } from "@multifrost/protocol/internal";
import type {
  Channel,
  ChannelLimits,
  ClientChannel,
  ClientEvents,
  CloseOptions,
  Peer,
  SendOptions,
  SendSettled,
  ServerChannel,
  ServerEvents,
} from "../channel.js";
import { channelClosed, peerUnknown } from "../channel-errors.js";
import { inOnePiece } from "../in-one-piece.js";
import { type Outgoing, SendQueue, settle } from "../send-queue.js";

/** The endpoint of every in-memory channel. */
export const MEMORY_ENDPOINT = "memory://local";

/** One connection between a client and the server. */
export interface MemoryConnection {
  readonly peer: Peer;
  /** Delivers one message. Does not throw. */
  readonly toServer: (bytes: Uint8Array) => void;
  readonly toClient: (bytes: Uint8Array) => void;
}

/** What both ends share: the queue, the turns in which it is sent, and closing. */
abstract class MemoryChannel implements Channel {
  readonly endpoint: string = MEMORY_ENDPOINT;
  readonly #queue: SendQueue;
  readonly #onClosed: () => void;
  #phase: "open" | "closing" | "closed" = "open";
  #scheduled = false;
  #whenEmpty: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  /** @param onClosed - Ends every connection of this channel. */
  constructor(limits: Required<ChannelLimits>, onClosed: () => void) {
    this.#queue = new SendQueue(limits);
    this.#onClosed = onClosed;
  }

  get queued(): number {
    return this.#queue.length;
  }

  close({ flushTimeoutMs = 0 }: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#shutDown(flushTimeoutMs);
    return this.#closing;
  }

  /** Calls a handler of the user, unless this channel is closing. */
  emit(event: () => void): void {
    if (this.#phase === "open") {
      callSafely(event);
    }
  }

  protected abstract canSend(): boolean;
  /** Sends one message; returns the error for its sender. */
  protected abstract transmit(item: Outgoing): MultifrostError | undefined;

  protected push(item: Outgoing): void {
    if (this.#phase !== "open") {
      throw channelClosed(this.endpoint);
    }
    // A copy, as a network makes one: the two ends never share memory.
    this.#queue.push({ ...item, bytes: new Uint8Array(inOnePiece(item.bytes)) });
    this.schedule();
  }

  /** Sends what is queued in the next turn of the event loop. */
  protected schedule(): void {
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.#sendQueued());
    }
  }

  #sendQueued(): void {
    this.#scheduled = false;
    while (this.#phase !== "closed" && this.canSend()) {
      const item = this.#queue.shift();
      if (item === undefined) {
        this.#whenEmpty?.();
        return;
      }
      settle(item, this.transmit(item));
    }
  }

  async #flush(): Promise<void> {
    if (this.#queue.length > 0) {
      await new Promise<void>((resolve) => {
        this.#whenEmpty = resolve;
      });
    }
  }

  async #shutDown(flushTimeoutMs: number): Promise<void> {
    this.#phase = "closing";
    if (flushTimeoutMs > 0) {
      await withLimit(this.#flush(), flushTimeoutMs, () => {});
    }
    this.#phase = "closed";
    const left = this.#queue.clear();
    this.#onClosed();
    // `settled` is not called from inside `close`.
    await Promise.resolve();
    for (const item of left) {
      settle(item, channelClosed(this.endpoint));
    }
  }
}

/** The caller's end. */
export class MemoryClient extends MemoryChannel implements ClientChannel {
  readonly events: ClientEvents;
  #connection: MemoryConnection | undefined;

  constructor(limits: Required<ChannelLimits>, events: ClientEvents, onClosed: () => void) {
    super(limits, onClosed);
    this.events = events;
  }

  get connection(): MemoryConnection | undefined {
    return this.#connection;
  }

  connect(connection: MemoryConnection): void {
    this.#connection = connection;
    this.schedule();
  }

  disconnect(): void {
    this.#connection = undefined;
  }

  send(bytes: Uint8Array, settled?: SendSettled, options?: SendOptions): void {
    this.push({ peer: "", bytes, settled, urgent: options?.urgent === true });
  }

  protected override canSend(): boolean {
    return this.#connection !== undefined;
  }

  protected override transmit({ bytes }: Outgoing): undefined {
    this.#connection?.toServer(inOnePiece(bytes));
  }
}

/** The answering end. */
export class MemoryServer extends MemoryChannel implements ServerChannel {
  readonly events: ServerEvents;
  readonly #connections = new Map<Peer, MemoryConnection>();

  constructor(limits: Required<ChannelLimits>, events: ServerEvents, onClosed: () => void) {
    super(limits, onClosed);
    this.events = events;
  }

  connect(connection: MemoryConnection): void {
    this.#connections.set(connection.peer, connection);
  }

  disconnect({ peer }: MemoryConnection): void {
    this.#connections.delete(peer);
  }

  send(peer: Peer, bytes: Uint8Array, settled?: SendSettled, options?: SendOptions): void {
    this.push({ peer, bytes, settled, urgent: options?.urgent === true });
  }

  protected override canSend(): boolean {
    return true;
  }

  protected override transmit({ peer, bytes }: Outgoing): MultifrostError | undefined {
    const connection = this.#connections.get(peer);
    connection?.toClient(inOnePiece(bytes));
    return connection === undefined ? peerUnknown(this.endpoint, peer) : undefined;
  }
}
