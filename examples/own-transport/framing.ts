// Messages in a TCP stream: the length in four bytes, big-endian, then the message.

import type { Socket } from "node:net";
import type { Readable } from "node:stream";

const HEADER_BYTES = 4;

/** The longest message that a header can announce, in bytes. */
export const LONGEST_FRAME = 0xffff_ffff;

/** The first buffer for a message, in bytes. A length is a claim: the buffer grows only as the bytes arrive. */
const FIRST_ROOM = 64 * 1024;

/** Writes one message. Cork the socket around many messages to send them together. */
export function writeFrame(socket: Socket, bytes: Uint8Array): void {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(bytes.byteLength);
  socket.write(header);
  socket.write(bytes);
}

/** Called for what arrives. */
export interface FrameHandlers {
  /** One message, in a separate buffer. Must not throw. */
  message(bytes: Uint8Array): void;
  /** A length above the limit was announced. The stream is destroyed, as the start of the next message is unknown. */
  tooLarge(): void;
}

/** Reads messages from a stream, such as a socket, until it is destroyed. */
export function readFrames(stream: Readable, maxMessageBytes: number, handlers: FrameHandlers): void {
  let part: "header" | "message" = "header";
  let length = HEADER_BYTES;
  let bytes = new Uint8Array(HEADER_BYTES);
  let filled = 0;

  const begin = (nextPart: typeof part, nextLength: number): void => {
    part = nextPart;
    length = nextLength;
    bytes = new Uint8Array(Math.min(length, FIRST_ROOM));
    filled = 0;
  };

  const headerComplete = (): void => {
    const announced = new DataView(bytes.buffer).getUint32(0);
    if (announced > maxMessageBytes) {
      stream.destroy();
      handlers.tooLarge();
      return;
    }
    begin("message", announced);
  };

  const messageComplete = (): void => {
    const message = bytes;
    begin("header", HEADER_BYTES);
    handlers.message(message);
  };

  stream.on("data", (chunk: Uint8Array) => {
    let at = 0;
    // A handler may destroy the stream; the rest of the chunk is then dropped.
    while (at < chunk.length && !stream.destroyed) {
      if (filled === bytes.length) {
        bytes = enlarged(bytes, Math.min(length, 2 * filled));
      }
      const piece = chunk.subarray(at, at + bytes.length - filled);
      bytes.set(piece, filled);
      filled += piece.length;
      at += piece.length;
      if (part === "header" && filled === length) {
        headerComplete();
      }
      // Not `else`: a message of no bytes is complete with its header.
      if (part === "message" && filled === length) {
        messageComplete();
      }
    }
  });
}

function enlarged(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(length);
  larger.set(bytes);
  return larger;
}
