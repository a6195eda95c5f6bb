// The bytes around a frame: flags and length.

/** Another frame of the same message follows. */
export const MORE = 1;
/** The length takes eight bytes instead of one. */
export const LONG = 2;
/** A command for the other end's protocol, not part of a message. */
export const COMMAND = 4;

/** The longest header: flags and eight bytes of length. */
export const LONGEST_HEADER = 9;

/** The longest length that fits in one byte. */
export const LONGEST_SHORT_FRAME = 255;

/** Writes a header at an index; returns the index behind it. */
export function writeHeader(into: Uint8Array, at: number, flags: number, length: number): number {
  if (length <= LONGEST_SHORT_FRAME) {
    into[at] = flags;
    into[at + 1] = length;
    return at + 2;
  }
  into[at] = flags | LONG;
  const high = Math.floor(length / 2 ** 32);
  for (let shift = 24, index = at + 1; shift >= 0; shift -= 8, index += 1) {
    into[index] = (high >>> shift) & 0xff;
    into[index + 4] = (length >>> shift) & 0xff;
  }
  return at + LONGEST_HEADER;
}

/** One whole frame in new memory. */
export function frame(flags: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LONGEST_HEADER + body.length);
  const at = writeHeader(bytes, 0, flags, body.length);
  bytes.set(body, at);
  return bytes.subarray(0, at + body.length);
}
