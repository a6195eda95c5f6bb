// The calls of each parent: how many it may have, and whose turn it is.

import { FifoQueue } from "@multifrost/protocol/internal";
import type { Peer } from "@multifrost/transport";
import type { IncomingCall } from "./answer.js";

/** What one parent has. */
interface Share {
  /** Calls that run or wait, and what they take in memory, in bytes. */
  calls: number;
  bytes: number;
  readonly waiting: FifoQueue<IncomingCall>;
}

/**
 * Bounds the calls of all parents together, and gives each its turn: a parent with 100 000 calls does not hold up another that
 * has one. When all have as many calls as the bounds allow, a parent with less than an equal share may still add some.
 */
export class CallShares {
  readonly #maxCalls: number;
  readonly #maxBytes: number;
  readonly #shares = new Map<Peer, Share>();
  /** Those with calls that wait: the first is the next. */
  readonly #turns = new FifoQueue<Share>();
  #latestPeer: Peer | undefined;
  #latest: Share = newShare();
  #bytes = 0;
  /** Calls that run or wait. */
  calls = 0;
  /** Calls that wait. */
  waiting = 0;

  /**
   * @param maxCalls Calls that run or wait.
   * @param maxBytes What they may take in memory, in bytes. A call that is alone may take more.
   */
  constructor(maxCalls: number, maxBytes: number) {
    this.#maxCalls = maxCalls;
    this.#maxBytes = maxBytes;
  }

  /** Adds a call, unless there are too many: then adds nothing and returns the option that bounds them. */
  add(call: IncomingCall): "maxPending" | "maxPendingBytes" | undefined {
    const share = this.#of(call.peer);
    const parents = this.#shares.size;
    if (this.calls >= this.#maxCalls && share.calls >= this.#maxCalls / parents) {
      return "maxPending";
    }
    const { bytes } = call;
    const isFull = this.#bytes + bytes > this.#maxBytes && this.calls > 0;
    if (isFull && share.bytes + bytes > this.#maxBytes / parents) {
      return "maxPendingBytes";
    }
    this.calls++;
    this.#bytes += bytes;
    share.calls++;
    share.bytes += bytes;
    return undefined;
  }

  /** Takes a call away that has been answered. */
  remove(call: IncomingCall): void {
    const share = this.#of(call.peer);
    this.calls--;
    this.#bytes -= call.bytes;
    share.calls--;
    share.bytes -= call.bytes;
  }

  /** Lets a call wait that was added. */
  wait(call: IncomingCall): void {
    const share = this.#of(call.peer);
    if (share.waiting.length === 0) {
      this.#turns.push(share);
    }
    share.waiting.push(call);
    this.waiting++;
  }

  /** The call whose turn it is, which waits no more; `undefined` if none waits. */
  next(): IncomingCall | undefined {
    const share = this.#turns.shift();
    const call = share?.waiting.shift();
    if (share === undefined || call === undefined) {
      return undefined;
    }
    this.waiting--;
    if (share.waiting.length > 0) {
      this.#turns.push(share);
    }
    return call;
  }

  /** Most calls come from the parent of the call before. */
  #of(peer: Peer): Share {
    if (peer !== this.#latestPeer) {
      if (this.#latestPeer !== undefined && this.#latest.calls === 0) {
        this.#shares.delete(this.#latestPeer);
      }
      this.#latest = this.#shares.get(peer) ?? newShare();
      this.#latestPeer = peer;
      this.#shares.set(peer, this.#latest);
    }
    return this.#latest;
  }
}

function newShare(): Share {
  return { calls: 0, bytes: 0, waiting: new FifoQueue() };
}
