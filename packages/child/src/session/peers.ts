import type { MessageParts } from "@multifrost/protocol";
import { joinParts } from "@multifrost/protocol/internal";
import type { Peer, SendOptions, SendSettled, ServerChannel } from "@multifrost/transport";

/** Peers remembered, as they come from outside. Beyond, the one that was silent for the longest time is forgotten. */
const MAX_PEERS = 10_000;

/** The parents that have sent a message, and the way to send to them. They get the worker's output. */
export class Peers {
  readonly #channel: ServerChannel;
  readonly #saysWhoLeaves: boolean;
  /** In the order of their latest messages. */
  readonly #peers = new Set<Peer>();
  #latest: Peer | undefined;

  /** @param saysWhoLeaves Whether the channel calls `peerGone`: then answers need no outcome, which costs as much as sending one. Default: `false`. */
  constructor(channel: ServerChannel, saysWhoLeaves = false) {
    this.#channel = channel;
    this.#saysWhoLeaves = saysWhoLeaves;
  }

  /** Every peer that is remembered. */
  [Symbol.iterator](): Iterator<Peer> {
    return this.#peers.values();
  }

  /** Messages that wait to be sent, to any peer. */
  get queued(): number {
    return this.#channel.queued;
  }

  /** A message of this peer has arrived. */
  seen(peer: Peer): void {
    if (peer === this.#latest) {
      return;
    }
    this.#latest = peer;
    this.#peers.delete(peer);
    this.#peers.add(peer);
    const [oldest] = this.#peers;
    if (this.#peers.size > MAX_PEERS && oldest !== undefined) {
      this.#peers.delete(oldest);
    }
  }

  /** This peer will not come back. */
  gone(peer: Peer): void {
    this.#peers.delete(peer);
    this.#latest = this.#latest === peer ? undefined : this.#latest;
  }

  /** Sends as {@link ServerChannel.send}, and throws what it throws. A peer that turns out to be gone is forgotten. */
  send(peer: Peer, bytes: Uint8Array | MessageParts, settled?: SendSettled, options?: SendOptions): void {
    const onSettled: SendSettled | undefined = this.#saysWhoLeaves
      ? settled
      : (error) => {
          if (error?.code === "PEER_UNKNOWN") {
            this.gone(peer);
          }
          settled?.(error);
        };
    if (bytes instanceof Uint8Array) {
      this.#channel.send(peer, bytes, onSettled, options);
    } else if (this.#channel.sendParts !== undefined) {
      this.#channel.sendParts(peer, bytes, onSettled, options);
    } else {
      this.#channel.send(peer, joinParts(bytes), onSettled, options);
    }
  }
}
