// What goes around the payload on a ZeroMQ connection (steps 6 and 7 of a call).
// A client sends [empty, payload]; ZeroMQ puts the sender's name in front on a server's side: [peer, empty, payload].

import type { DropReason, Peer } from "../channel.js";

const EMPTY = Buffer.alloc(0);

/** The frames a client sends. */
export function toServer(bytes: Uint8Array): [Buffer, Uint8Array] {
  return [EMPTY, bytes];
}

/** The frames a server sends. */
export function toPeer(peer: Peer, bytes: Uint8Array): [Buffer, Buffer, Uint8Array] {
  return [Buffer.from(peer, "latin1"), EMPTY, bytes];
}

/** The name that ZeroMQ gave the sender: one character for each byte, so that it can be turned back. */
export function senderOf(frames: readonly Buffer[]): Peer {
  return frames[0]?.toString("latin1") ?? "";
}

/** The payload of what a client received, or why there is none. Frames behind it are ignored. */
export function payloadForClient(frames: readonly Buffer[], maxBytes: number): Uint8Array | DropReason {
  return payload(frames[0], frames[1], maxBytes);
}

/** The payload of what a server received, or why there is none. Frames behind it are ignored. */
export function payloadForServer(frames: readonly Buffer[], maxBytes: number): Uint8Array | DropReason {
  return payload(frames[1], frames[2], maxBytes);
}

/** A plain `Uint8Array` over the same memory: what is read from it must not depend on its being a `Buffer`. */
function payload(delimiter: Buffer | undefined, body: Buffer | undefined, maxBytes: number): Uint8Array | DropReason {
  if (delimiter === undefined || body === undefined || delimiter.byteLength !== 0) {
    return "wrong-frames";
  }
  if (body.byteLength > maxBytes) {
    return "too-large";
  }
  return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
}
