// The contract between whoever moves bytes and whoever makes calls of them (step 6 and 7 of a call).
// Nothing of ZeroMQ is in it. Implementations: zeromq/, memory/. The suite that checks one: contract/.

import type { MultifrostError } from "@multifrost/protocol/errors";

/**
 * Tells one peer of a server channel from another.
 *
 * Opaque, and valid for the channel that gave it only. A peer that reconnects may come back under a new one.
 */
export type Peer = string;

/** Why something that arrived was not delivered. */
export type DropReason = "wrong-frames" | "too-large";

/**
 * Told once what became of a send: no error when the bytes were handed to the layer below (which is not yet
 * delivery), an error when they never will be. Called exactly once: never before `send` returned, and at the latest
 * before `close` resolves.
 */
export type SendSettled = (error?: MultifrostError) => void;

/** How `close` treats what is still queued. */
export interface CloseOptions {
  /** How long to go on sending what is queued, in milliseconds. Default: 0, drop it. */
  flushTimeoutMs?: number;
}

/**
 * What both ends have in common.
 *
 * **Sending.** `send` queues and returns at once; it may be called any number of times in a row, from inside an event
 * too. What is queued goes out in the order of the calls, from the next turn of the event loop at the latest, and
 * waits while there is no connection. The queue is bounded: beyond the bound `send` throws `OverloadError` and queues
 * nothing. (A server may keep a queue for each peer, with these bounds each, so that one that does not read fills its
 * own only.) Bytes above the channel's message limit throw `SerializationError` (`MESSAGE_TOO_LARGE`). After `close` was
 * called, `send` throws `ConnectionError` (`CHANNEL_CLOSED`). Once given to `send`, the bytes belong to the channel:
 * the caller must not change them afterwards.
 *
 * **Receiving.** One call of `message` for each message, in the order they were sent, and never two at a time. The
 * bytes belong to the receiver from then on: the channel neither changes nor reuses them. A channel always keeps
 * reading; limits on work belong above it.
 *
 * **Delivery is at most once.** What was in flight when a connection broke is lost and is not sent again. What was
 * still queued may be sent when the connection is back.
 *
 * **Events** come from the channel only: never before `open` resolved, never from inside `send`, never after `close`
 * resolved. A handler must not throw; if one does, it is an uncaught exception and the channel goes on.
 *
 * **Closing** may be asked for at any moment and more than once. Receiving stops at once; what is queued is sent for up
 * to `flushTimeoutMs`; what is then left settles with `CHANNEL_CLOSED`. When the promise resolves, everything the
 * channel held is released and nothing of it keeps the process alive.
 */
export interface Channel {
  /** Where this end is, or what it talks to: `tcp://127.0.0.1:40123`, `memory://local`. */
  readonly endpoint: string;
  /** Messages taken by `send` and not yet handed to the layer below. */
  readonly queued: number;
  close(options?: CloseOptions): Promise<void>;
}

/** What a channel tells of its connection. */
export interface ConnectionEvents {
  /** A connection is up: what is sent now goes out. Comes again after each reconnect. */
  up(): void;
  /**
   * A connection is lost. What was in flight on it will not be answered: every message that arrived on it comes before
   * this event. The channel goes on trying by itself, and `up` follows if it succeeds.
   */
  down(): void;
  /** Something arrived that is not a message of this transport; it was left out. */
  dropped(reason: DropReason): void;
  /** The channel failed for good: it is closed, and no further event follows. */
  failed(error: MultifrostError): void;
}

/** What the caller's end of a connection hears. */
export interface ClientEvents extends ConnectionEvents {
  message(bytes: Uint8Array): void;
}

/** The caller's end: it talks to one server. */
export interface ClientChannel extends Channel {
  send(bytes: Uint8Array, settled?: SendSettled): void;
}

/** Opens the caller's end. Every call of `open` makes a channel of its own, so that a parent can start over. */
export interface ClientTransport {
  /**
   * Resolves when the endpoint is known, which may be before anyone is connected (`up` tells that).
   * Rejects with `ConnectionError`: `UNREACHABLE` where the endpoint cannot be used, `TRANSPORT_UNAVAILABLE` where
   * the transport itself cannot be loaded.
   */
  open(events: ClientEvents): Promise<ClientChannel>;
}

/** What the answering end hears. */
export interface ServerEvents extends ConnectionEvents {
  message(peer: Peer, bytes: Uint8Array): void;
  /**
   * This peer is gone for good; comes after the `down` of its connection. Only from transports that can tell; others
   * leave it to a failing `send`.
   */
  peerGone(peer: Peer): void;
}

/** The answering end: it talks to every peer that ever sent it something. */
export interface ServerChannel extends Channel {
  /**
   * As for any channel; to a peer that is not or no longer there, `settled` gets a `ConnectionError`
   * (`PEER_UNKNOWN`). A peer that does not read must not hold up the others.
   */
  send(peer: Peer, bytes: Uint8Array, settled?: SendSettled): void;
}

/** Opens the answering end; see {@link ClientTransport}. */
export interface ServerTransport {
  open(events: ServerEvents): Promise<ServerChannel>;
}

/** The bounds every channel has, each with a default. */
export interface ChannelLimits {
  /** Longest message sent or received, in bytes. Default: 67 108 864 (64 MiB). A longer one is refused, or ends the connection. */
  maxMessageBytes?: number;
  /** Messages waiting in `send`'s queue. Default: 500 000. */
  maxQueuedMessages?: number;
  /** Bytes waiting in `send`'s queue. Default: 1 073 741 824 (1 GiB). */
  maxQueuedBytes?: number;
}
