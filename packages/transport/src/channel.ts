/**
 * The contract between the layer that moves bytes and the layer that turns them into calls. It has nothing of ZeroMQ.
 * `zmtp/`, `zeromq/` and `memory/` implement it; `contract/` is the test suite for implementations.
 *
 * @packageDocumentation
 */

import type { MultifrostError } from "@multifrost/protocol/errors";
import type { MessageParts } from "@multifrost/protocol/internal";
import type { TcpAddress } from "./endpoint.js";

/**
 * Identifies one peer of a server channel.
 *
 * Opaque, and valid only for the channel that issued it. A peer that reconnects may come back under another one.
 */
export type Peer = string;

/** Why a channel discarded something that arrived. */
export type DropReason = "wrong-frames" | "too-large";

/**
 * Called exactly once with the outcome of a send: without an error when the layer below has taken the bytes (they are
 * not delivered yet), with an error when they will never be sent. Never called before `send` returns; called at the
 * latest before `close` resolves.
 */
export type SendSettled = (error?: MultifrostError) => void;

/** How `send` treats a message. */
export interface SendOptions {
  /**
   * Goes ahead of messages that are queued and not urgent: for heartbeats. Default: false. A channel without the
   * capability {@link ChannelCapabilities.urgent} ignores it.
   */
  urgent?: boolean;
}

/** How `close` treats messages that are still queued. */
export interface CloseOptions {
  /** How long to keep sending queued messages, in milliseconds. Default: 0, which drops them. */
  flushTimeoutMs?: number;
}

/**
 * What both ends have in common.
 *
 * **Sending.** `send` queues a message and returns at once. It may be called any number of times in a row, also from
 * inside an event. Queued messages go out in the order of the calls, starting no later than the next turn of the event
 * loop, and wait while there is no connection. (With many in one turn a channel may start earlier: the other end works on
 * the first ones meanwhile.) The queue is bounded: when it is full, `send` throws `OverloadError` and queues nothing. (A server may keep one queue with these bounds per peer, so that a peer that does not read fills only
 * its own.) A message above the channel's limit throws `SerializationError` (`MESSAGE_TOO_LARGE`). Once `close` has been
 * called, `send` throws `ConnectionError` (`CHANNEL_CLOSED`). `send` takes over the bytes: the caller must not change
 * them afterwards. `sendParts` is optional: a channel that has it is given large binary values without a copy of them.
 *
 * **Receiving.** The channel calls `message` once per message, in the order they were sent, never two at a time. The
 * receiver owns the bytes: the channel neither changes nor reuses them. A channel always keeps reading; limits on work
 * belong in the layer above.
 *
 * **Delivery is at most once.** Messages in flight when a connection breaks are lost and are not sent again. Messages
 * still queued may be sent once the connection is back.
 *
 * **Events** never come before `open` resolves, from inside `send`, or after `close` resolves. A handler must not throw;
 * if it does, the error becomes an uncaught exception and the channel keeps working.
 *
 * **Closing.** `close` may be called at any time and more than once. Receiving stops at once; queued messages are sent
 * for up to `flushTimeoutMs`; the rest settles with `CHANNEL_CLOSED`. When the promise resolves, the channel has
 * released everything it held and no longer keeps the process alive.
 *
 * A channel may be an instance of a class. To wrap one, call its methods; spreading it into an object loses them.
 */
export interface Channel {
  /** Where this end listens or connects to: `tcp://127.0.0.1:40123`, `ipc:///run/worker.sock`, `memory://local`. */
  readonly endpoint: string;
  /** Every place where this end listens, where a transport can listen in several. The first is {@link endpoint}. */
  readonly endpoints?: readonly string[];
  /** Number of messages that `send` accepted and the layer below has not taken yet. */
  readonly queued: number;
  close(options?: CloseOptions): Promise<void>;
}

/** Events of a channel about its connections. */
export interface ConnectionEvents {
  /** A connection is up: messages sent now go out. Called again after each reconnect. */
  up(): void;
  /**
   * A connection is lost, and whatever was in flight on it gets no answer: every message that arrived on it comes before
   * this event. The channel keeps trying to reconnect, and calls `up` when it succeeds.
   */
  down(): void;
  /** The channel discarded something that is not a message of this transport. */
  dropped(reason: DropReason): void;
  /** The channel failed permanently: it closes, and no event follows. */
  failed(error: MultifrostError): void;
  /**
   * A connection is there, and waits for a decision: see {@link Connection}. Optional, and called only by transports that
   * tell peers apart. Without it a server accepts every connection, and a client the first one while it has none.
   */
  arrived?(connection: Connection): void;
  /**
   * A connection ended without having been accepted: a stranger, a peer that was too slow, or one that was refused.
   * Optional, for the log and for counting.
   *
   * @param reason - A sentence about the other end, such as `It does not speak ZMTP.`
   */
  refused?(reason: string): void;
  /**
   * This end connects, and nothing listens there; the channel tries again. Optional, and called after each attempt by
   * transports that can tell.
   */
  notListening?(): void;
}

/**
 * One connection to one peer, before it is accepted.
 *
 * Until then there is no `up`, no queued message goes out on it, and what the peer sends is not delivered: it waits. A
 * decision may be made at once, inside `arrived`, or later.
 */
export interface Connection {
  /** The name the peer has on a server. */
  readonly peer: Peer;
  /** What the other end says about itself, by names in lower case: what it gave as `properties`. Proves nothing by itself. */
  readonly properties: ReadonlyMap<string, string>;
  /** Both ends of a TCP connection, from which the system can tell whose it is. */
  readonly addresses: { readonly local: TcpAddress; readonly remote: TcpAddress } | undefined;
  /**
   * Makes it a connection of the channel: `up` is called, then messages come and go. Returns false, and does nothing, if it has
   * ended meanwhile, was refused, or the channel is a client and has a connection.
   */
  accept(): boolean;
  /** Closes it, telling the other end why. Does nothing once it is accepted or has ended. */
  refuse(reason: string): void;
  /** Sends one short message (up to 64 KiB) before the decision, to ask for a proof. Lost if the connection ends. */
  challenge(bytes: Uint8Array): void;
  /** Delivers messages before the decision: they go to this function and not to `message`. One above 64 KiB ends the connection. */
  receive(message: (bytes: Uint8Array) => void): void;
}

/** What a transport can do beyond the rest of this contract. */
export interface ChannelCapabilities {
  /** Calls `arrived` for each connection and `peerGone` for each that ends: one peer can be accepted and another refused. */
  readonly tellsPeersApart: boolean;
  /** Sends messages marked as `urgent` ahead of queued ones. */
  readonly urgent: boolean;
}

/** Events of the caller's end. */
export interface ClientEvents extends ConnectionEvents {
  /**
   * @param follows - Whether it arrived in one piece with the message before: a receiver can take the time of both as the
   * same. Channels that cannot tell leave it out.
   */
  message(bytes: Uint8Array, follows?: boolean): void;
}

/** The caller's end: it talks to one server. */
export interface ClientChannel extends Channel {
  send(bytes: Uint8Array, settled?: SendSettled, options?: SendOptions): void;
  /**
   * Like `send`, for a message in parts: it arrives in one piece. If the memory of a part is transferred before it is
   * sent, `settled` gets a `SerializationError` (`UNSENDABLE_VALUE`).
   */
  sendParts?(message: MessageParts, settled?: SendSettled, options?: SendOptions): void;
}

/** Opens the caller's end. Each call of `open` makes a new channel, so a parent can start over. */
export interface ClientTransport {
  /** Default: none of them. */
  readonly capabilities?: ChannelCapabilities;
  /**
   * Resolves when the endpoint is known, which may be before any peer is connected (see `up`).
   * Rejects with `ConnectionError`: `UNREACHABLE` when the endpoint cannot be used, `TRANSPORT_UNAVAILABLE` when the
   * transport itself cannot be loaded.
   */
  open(events: ClientEvents): Promise<ClientChannel>;
}

/** Events of the answering end. */
export interface ServerEvents extends ConnectionEvents {
  /** See {@link ClientEvents.message}. */
  message(peer: Peer, bytes: Uint8Array, follows?: boolean): void;
  /**
   * This peer has left, and returns under this name only if it chose the name itself. Comes after the `down` of its connection, and only from
   * transports that can tell; with others, a failing `send` is the only sign.
   */
  peerGone(peer: Peer): void;
}

/** The answering end: it talks to every peer that has sent it something. */
export interface ServerChannel extends Channel {
  /**
   * Like `send` of any channel. For a peer that is not connected, `settled` gets a `ConnectionError` (`PEER_UNKNOWN`). A
   * peer that does not read must not delay the others.
   */
  send(peer: Peer, bytes: Uint8Array, settled?: SendSettled, options?: SendOptions): void;
  /** See {@link ClientChannel.sendParts}. */
  sendParts?(peer: Peer, message: MessageParts, settled?: SendSettled, options?: SendOptions): void;
}

/** Opens the answering end; see {@link ClientTransport}. */
export interface ServerTransport {
  /** Default: none of them. */
  readonly capabilities?: ChannelCapabilities;
  open(events: ServerEvents): Promise<ServerChannel>;
}

/** Bounds of a channel. */
export interface ChannelLimits {
  /** Longest message sent or received, in bytes. Default: 67 108 864 (64 MiB). A longer one is refused, or ends the connection. */
  maxMessageBytes?: number;
  /** Messages that may wait in the queue of `send`. Default: 500 000. */
  maxQueuedMessages?: number;
  /** Bytes that may wait in the queue of `send`. Default: 1 073 741 824 (1 GiB). */
  maxQueuedBytes?: number;
}
