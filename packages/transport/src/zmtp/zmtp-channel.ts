// What both kinds of channel share: connections that come or are made, decisions about them, events, and closing.

import type { Socket } from "node:net";
import type { MultifrostError } from "@multifrost/protocol/errors";
import { callSafely, LONGEST_TIMER_MS, rethrowLater, withLimit } from "@multifrost/protocol/internal";
import type { Channel, CloseOptions, ConnectionEvents } from "../channel.js";
import { channelClosed } from "../channel-errors.js";
import { type Outgoing, settle } from "../send-queue.js";
import { formatEndpoint } from "./addresses.js";
import { refusedByPeer } from "./errors.js";
import { ReadTotals } from "./frame-reader.js";
import type { Listener } from "./listener.js";
import type { ZmtpPlan } from "./options.js";
import { type ConnectionEnd, type ConnectionOwner, PeerConnection } from "./peer-connection.js";
import { acceptSocket, connectSocket } from "./sockets.js";

/** How long a peer may take to close its end after this one was closed, at least, in milliseconds. */
const LINGER_MS = 200;

/** A connection that lasted this long makes the next wait short again, in milliseconds. */
const LASTING_MS = 1_000;

/** The base of client and server. */
export abstract class ZmtpChannel implements Channel, ConnectionOwner {
  readonly endpoint: string;
  readonly endpoints: readonly string[];
  readonly readTotals: ReadTotals = new ReadTotals();
  protected readonly plan: ZmtpPlan;
  readonly #events: ConnectionEvents;
  readonly #listeners: readonly Listener[];
  /** Every connection whose socket has not been released yet. */
  readonly #connections = new Set<PeerConnection>();
  /** Those that have not been accepted, oldest first. */
  readonly #undecided = new Set<PeerConnection>();
  #phase: "open" | "closing" | "closed" = "open";
  #closing: Promise<void> | undefined;
  #whenFlushed: (() => void) | undefined;
  /** Connections in a row that were not made, or did not last. */
  #failures = 0;
  #acceptedAt = 0;
  #reconnecting: NodeJS.Timeout | undefined;

  constructor(plan: ZmtpPlan, listeners: readonly Listener[], events: ConnectionEvents) {
    this.plan = plan;
    this.#events = events;
    this.#listeners = listeners;
    this.endpoints =
      plan.connectTo === undefined ? listeners.map(({ endpoint }) => endpoint) : [formatEndpoint(plan.connectTo)];
    this.endpoint = this.endpoints[0] ?? "";
  }

  /** Begins to connect, if this end connects. */
  start(): void {
    this.#connect();
  }

  abstract get queued(): number;

  /** Names the connection; returns why it cannot be accepted. */
  protected abstract name(connection: PeerConnection, identity: string): "duplicate" | "has-guest" | "full" | undefined;
  /** Makes it one of the channel's connections, unless it cannot be. */
  protected abstract add(connection: PeerConnection): boolean;
  /** A connection that was added has ended. */
  protected abstract remove(connection: PeerConnection): void;
  /** Calls the event of a message. */
  protected abstract message(connection: PeerConnection, payload: Uint8Array, follows: boolean): void;
  /** Whether everything that was sent has been taken by the system. */
  protected abstract isFlushed(): boolean;
  /** Whether a new connection could still take queued messages while the channel closes. */
  protected abstract waitsForConnection(): boolean;
  /** Takes out everything that waits. */
  protected abstract clear(): Outgoing[];
  /** Whether this end has one connection at a time. */
  protected abstract readonly hasOnePeer: boolean;

  close({ flushTimeoutMs = 0 }: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#shutDown(flushTimeoutMs);
    return this.#closing;
  }

  /** A socket that a listener accepted. */
  take(socket: Socket): void {
    if (this.#phase === "closed" || (this.#phase === "closing" && !this.waitsForConnection())) {
      socket.destroy();
      return;
    }
    this.#start(new PeerConnection(this, this.plan, (sink) => acceptSocket(socket, sink)));
  }

  ready(connection: PeerConnection, identity: string): void {
    const problem = this.name(connection, identity);
    if (problem === "duplicate") {
      connection.abort("Its identity is in use by another connection.");
    } else if (problem === "has-guest") {
      connection.refuse("Another connection has been accepted.");
    } else if (problem === "full") {
      connection.refuse(`There are as many connections as maxPeers allows, ${this.plan.maxPeers}.`);
    } else if (this.#phase === "open" && this.#events.arrived !== undefined) {
      callSafely(() => this.#events.arrived?.(connection));
    } else {
      connection.accept();
    }
  }

  admit(connection: PeerConnection): boolean {
    if (this.#phase === "closed" || !this.add(connection)) {
      return false;
    }
    this.#undecided.delete(connection);
    // Not `performance.now()`: its first use makes Node load a module, at the start of each worker.
    this.#acceptedAt = process.uptime() * 1_000;
    if (this.hasOnePeer) {
      this.#turnAwayOthers();
    }
    this.emit(() => this.#events.up());
    return true;
  }

  abstract received(connection: PeerConnection, frames: readonly Uint8Array[], follows: boolean): void;

  abstract mustWait(connection: PeerConnection): boolean;

  abstract takesTurn(connection: PeerConnection, bytes: number): boolean;

  tooLarge(): void {
    this.emit(() => this.#events.dropped("too-large"));
  }

  ended(connection: PeerConnection, { wasAccepted, reason, failure, refusal }: ConnectionEnd): void {
    this.#undecided.delete(connection);
    if (wasAccepted) {
      this.emit(() => this.#events.down());
      this.remove(connection);
    } else if (reason !== undefined) {
      this.emit(() => this.#events.refused?.(reason));
    } else if (failure === "ECONNREFUSED" || failure === "ENOENT") {
      this.emit(() => this.#events.notListening?.());
    }
    this.idle();
    if (this.plan.connectTo === undefined) {
      return;
    }
    if (refusal !== undefined) {
      this.#fail(refusedByPeer(this.endpoint, refusal));
    } else {
      this.#reconnect(wasAccepted);
    }
  }

  released(connection: PeerConnection): void {
    this.#connections.delete(connection);
  }

  idle(): void {
    if (this.#whenFlushed !== undefined && this.isFlushed()) {
      this.#whenFlushed();
    }
  }

  /** Calls a handler of the user while the channel is open. */
  protected emit(event: () => void): void {
    if (this.#phase === "open") {
      callSafely(event);
    }
  }

  /** Passes a message to its event, or drops it. Receiving stops when the channel begins to close. */
  protected deliver(connection: PeerConnection, payload: Uint8Array | undefined, follows: boolean): void {
    if (this.#phase !== "open") {
      return;
    }
    try {
      if (payload === undefined) {
        this.#events.dropped("wrong-frames");
      } else {
        this.message(connection, payload, follows);
      }
    } catch (error) {
      rethrowLater(error);
    }
  }

  /** Throws `ConnectionError` (`CHANNEL_CLOSED`) once `close` has been called. */
  protected throwIfClosed(): void {
    if (this.#phase !== "open") {
      throw channelClosed(this.endpoint);
    }
  }

  /** Refuses every connection that has not been accepted, and stops listening. */
  #turnAwayOthers(): void {
    for (const connection of this.#undecided) {
      connection.refuse("Another connection has been accepted.");
    }
    if (this.plan.singleGuest) {
      void this.#stopListening();
    }
  }

  #start(connection: PeerConnection): void {
    this.#connections.add(connection);
    this.#undecided.add(connection);
    if (this.#undecided.size > this.plan.maxUndecided) {
      oldestOfMost(this.#undecided)?.abort("Too many connections wait for a decision.");
    }
  }

  #connect(): void {
    const { connectTo } = this.plan;
    if (connectTo !== undefined) {
      this.#start(new PeerConnection(this, this.plan, (sink) => connectSocket(connectTo, sink)));
    }
  }

  /** Connects again, after a random time below a limit that doubles each time. */
  #reconnect(wasAccepted: boolean): void {
    if (this.#phase === "closed") {
      return;
    }
    const lasted = wasAccepted && process.uptime() * 1_000 - this.#acceptedAt >= LASTING_MS;
    this.#failures = lasted ? 0 : this.#failures + 1;
    const { reconnectDelayMs, maxReconnectDelayMs } = this.plan;
    const longest = Math.min(maxReconnectDelayMs, reconnectDelayMs * 2 ** Math.max(0, this.#failures - 1));
    this.#reconnecting = setTimeout(() => this.#connect(), Math.random() * longest);
  }

  #fail(error: MultifrostError): void {
    this.emit(() => this.#events.failed(error));
    void this.close();
  }

  async #stopListening(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  async #shutDown(flushTimeoutMs: number): Promise<void> {
    this.#phase = "closing";
    const deadline = performance.now() + Math.min(flushTimeoutMs, LONGEST_TIMER_MS);
    if (flushTimeoutMs > 0 && !this.isFlushed()) {
      const flushed = new Promise<void>((resolve) => {
        this.#whenFlushed = resolve;
      });
      await withLimit(flushed, flushTimeoutMs, () => {});
    }
    this.#phase = "closed";
    clearTimeout(this.#reconnecting);
    const left = this.clear();
    const linger = Math.max(LINGER_MS, deadline - performance.now());
    const ended = [...this.#connections].map((connection) => connection.finish(linger));
    // `settled` is not called from inside `close`.
    await Promise.resolve();
    for (const item of left) {
      settle(item, channelClosed(this.endpoint));
    }
    await Promise.all([...ended, this.#stopListening()]);
  }
}

/**
 * The oldest of those that have come equally far, where most are. Not the oldest of all: that would be the one peer that is
 * about to be accepted, again and again, while strangers keep coming.
 */
function oldestOfMost(connections: Iterable<PeerConnection>): PeerConnection | undefined {
  const oldest = new Map<number, PeerConnection>();
  const counts = new Map<number, number>();
  let most = 0;
  let found: PeerConnection | undefined;
  for (const connection of connections) {
    const { progress } = connection;
    const count = (counts.get(progress) ?? 0) + 1;
    counts.set(progress, count);
    if (count === 1) {
      oldest.set(progress, connection);
    }
    if (count > most) {
      most = count;
      found = oldest.get(progress);
    }
  }
  return found;
}
