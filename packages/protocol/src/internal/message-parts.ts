import { SerializationError } from "../errors/index.js";

/** A message that is not in one piece: its parts follow each other. Large binary values are parts of their own, not copied. */
export interface MessageParts {
  readonly parts: readonly Uint8Array[];
  /** Of all parts together. A part whose memory was transferred meanwhile is shorter than it was. */
  readonly byteLength: number;
}

/** Whether every part still has its bytes: transferring an `ArrayBuffer` takes them away. */
export function isWhole({ parts, byteLength }: MessageParts): boolean {
  return parts.reduce((bytes, part) => bytes + part.byteLength, 0) === byteLength;
}

/**
 * Values longer than this, in bytes, are parts of their own: they are sent from the memory that they are in. Copying 64 KiB takes
 * 6 µs, and 1 MiB 300 µs in new memory.
 */
export const LARGEST_COPIED: number = 64 * 1024;

/** The length of what was copied into the message, in bytes. */
export function copiedLength({ parts }: MessageParts): number {
  return parts.reduce((sum, { byteLength }) => (byteLength > LARGEST_COPIED ? sum : sum + byteLength), 0);
}

/** For a message that has lost a part. */
export function partTransferred(): SerializationError {
  const what = "Binary data whose memory was transferred before the message was sent cannot be sent.";
  return new SerializationError(
    "UNSENDABLE_VALUE",
    `${what} Nothing was sent. Transfer it later, or send a copy (slice).`,
  );
}

/**
 * Copies the parts, one after the other, by default into new memory. Throws `SerializationError` (`UNSENDABLE_VALUE`) if the
 * memory of a part was transferred.
 */
export function joinParts(message: MessageParts, into: Uint8Array = new Uint8Array(message.byteLength)): Uint8Array {
  if (!isWhole(message)) {
    throw partTransferred();
  }
  let at = 0;
  for (const part of message.parts) {
    into.set(part, at);
    at += part.byteLength;
  }
  return into;
}
