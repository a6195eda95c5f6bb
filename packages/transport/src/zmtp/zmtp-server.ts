// The answering end: a queue for each peer.

import type { MessageParts } from "@multifrost/protocol/internal";
import type { Peer, SendOptions, SendSettled, ServerChannel, ServerEvents } from "../channel.js";
import { peerUnknown } from "../channel-errors.js";
import { type Outgoing, QueueTotals, SendQueue, settle } from "../send-queue.js";
import type { Listener } from "./listener.js";
import type { ZmtpPlan } from "./options.js";
import { payloadOf } from "./payload.js";
import type { PeerConnection } from "./peer-connection.js";
import { Room } from "./room.js";
import { Turns } from "./turns.js";
import { ZmtpChannel } from "./zmtp-channel.js";

/** A ROUTER. A peer that leaves takes what waits for it with it. */
export class ZmtpServer extends ZmtpChannel implements ServerChannel {
  protected override readonly hasOnePeer = false;
  readonly #events: ServerEvents;
  readonly #peers = new Map<Peer, PeerConnection>();
  readonly #totals = new QueueTotals();
  /** Those that have sent nothing yet, oldest first. */
  readonly #silent = new Set<PeerConnection>();
  readonly #room: Room;
  readonly #turns = new Turns();
  #named = 0;

  constructor(plan: ZmtpPlan, listeners: readonly Listener[], events: ServerEvents) {
    super(plan, listeners, events);
    this.#events = events;
    this.#room = new Room(plan.maxHeldBytes, this.#peers, this.readTotals, this.#totals);
  }

  override get queued(): number {
    return this.#totals.messages;
  }

  send(peer: Peer, bytes: Uint8Array | MessageParts, settled?: SendSettled, options?: SendOptions): void {
    this.throwIfClosed();
    const connection = this.#peers.get(peer);
    const item = { peer, bytes, settled, urgent: options?.urgent === true };
    if (connection?.queue === undefined) {
      // Checks the size.
      new SendQueue(this.plan.limits).push(item);
      process.nextTick(() => settle(item, peerUnknown(this.endpoint, peer)));
      return;
    }
    connection.queue.push(item);
    connection.writer.schedule();
  }

  sendParts(peer: Peer, message: MessageParts, settled?: SendSettled, options?: SendOptions): void {
    this.send(peer, message, settled, options);
  }

  override received(connection: PeerConnection, frames: readonly Uint8Array[], follows: boolean): void {
    if (connection.isSilent) {
      connection.isSilent = false;
      this.#silent.delete(connection);
    }
    this.deliver(connection, payloadOf(frames), follows);
  }

  protected override message({ peer }: PeerConnection, payload: Uint8Array, follows: boolean): void {
    this.#events.message(peer, payload, follows);
  }

  override mustWait(connection: PeerConnection): boolean {
    return this.#room.mustWait(connection);
  }

  override takesTurn(connection: PeerConnection, bytes: number): boolean {
    return this.#turns.take(bytes, connection.readOn);
  }

  protected override name(connection: PeerConnection, identity: string): "duplicate" | "full" | undefined {
    connection.peer = identity === "" ? this.#newName() : identity;
    if (this.#peers.has(connection.peer)) {
      return "duplicate";
    }
    if (this.#peers.size >= this.plan.maxPeers) {
      const [oldest] = this.#silent;
      oldest?.abort("Others came, and it had sent nothing.");
      return oldest === undefined ? "full" : undefined;
    }
    return undefined;
  }

  protected override add(connection: PeerConnection): boolean {
    if (this.#peers.has(connection.peer)) {
      return false;
    }
    this.#peers.set(connection.peer, connection);
    this.#silent.add(connection);
    this.#totals.queues += 1;
    connection.queue = new SendQueue(this.plan.limits, this.#totals);
    connection.writer.sendFrom(connection.queue, this.#totals);
    return true;
  }

  protected override remove(connection: PeerConnection): void {
    const { peer, queue } = connection;
    this.#peers.delete(peer);
    this.#silent.delete(connection);
    this.#room.remove(connection);
    this.#totals.queues -= 1;
    for (const item of queue?.clear() ?? []) {
      settle(item, peerUnknown(this.endpoint, peer));
    }
    this.emit(() => this.#events.peerGone(peer));
  }

  protected override isFlushed(): boolean {
    return this.#totals.messages === 0 && [...this.#peers.values()].every(({ writer }) => writer.isIdle);
  }

  protected override waitsForConnection(): boolean {
    return false;
  }

  protected override clear(): Outgoing[] {
    return [...this.#peers.values()].flatMap(({ queue }) => queue?.clear() ?? []);
  }

  #newName(): Peer {
    let name: Peer;
    do {
      this.#named += 1;
      name = `peer-${this.#named}`;
    } while (this.#peers.has(name));
    return name;
  }
}
