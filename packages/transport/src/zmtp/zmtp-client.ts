// The caller's end: one queue, and one connection at a time.

import type { MessageParts } from "@multifrost/protocol/internal";
import type { ClientChannel, ClientEvents, SendOptions, SendSettled } from "../channel.js";
import { type Outgoing, SendQueue } from "../send-queue.js";
import type { Listener } from "./listener.js";
import type { ZmtpPlan } from "./options.js";
import { payloadOf } from "./payload.js";
import type { PeerConnection } from "./peer-connection.js";
import { ZmtpChannel } from "./zmtp-channel.js";

/** A DEALER. Messages wait in its queue while there is no connection. */
export class ZmtpClient extends ZmtpChannel implements ClientChannel {
  protected override readonly hasOnePeer = true;
  readonly #events: ClientEvents;
  readonly #queue: SendQueue;
  #connection: PeerConnection | undefined;

  constructor(plan: ZmtpPlan, listeners: readonly Listener[], events: ClientEvents) {
    super(plan, listeners, events);
    this.#events = events;
    this.#queue = new SendQueue(plan.limits);
  }

  override get queued(): number {
    return this.#queue.length;
  }

  send(bytes: Uint8Array | MessageParts, settled?: SendSettled, options?: SendOptions): void {
    this.throwIfClosed();
    this.#queue.push({ peer: "", bytes, settled, urgent: options?.urgent === true });
    this.#connection?.writer.schedule();
  }

  sendParts(message: MessageParts, settled?: SendSettled, options?: SendOptions): void {
    this.send(message, settled, options);
  }

  override received(connection: PeerConnection, frames: readonly Uint8Array[], follows: boolean): void {
    this.deliver(connection, payloadOf(frames), follows);
  }

  /** There is one peer, which shares with no other. */
  override mustWait(): boolean {
    return false;
  }

  override takesTurn(): boolean {
    return true;
  }

  protected override message(_connection: PeerConnection, payload: Uint8Array, follows: boolean): void {
    this.#events.message(payload, follows);
  }

  protected override name(connection: PeerConnection): "has-guest" | undefined {
    connection.peer = "server";
    return this.#connection === undefined ? undefined : "has-guest";
  }

  protected override add(connection: PeerConnection): boolean {
    if (this.#connection !== undefined) {
      return false;
    }
    this.#connection = connection;
    connection.writer.sendFrom(this.#queue);
    return true;
  }

  protected override remove(connection: PeerConnection): void {
    if (this.#connection === connection) {
      this.#connection = undefined;
    }
  }

  protected override isFlushed(): boolean {
    return this.#queue.length === 0 && (this.#connection?.writer.isIdle ?? true);
  }

  protected override waitsForConnection(): boolean {
    return this.#connection === undefined && this.#queue.length > 0;
  }

  protected override clear(): Outgoing[] {
    return this.#queue.clear();
  }
}
