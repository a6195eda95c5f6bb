// UTF-8, in both directions.

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
export const utf8Encoder: TextEncoder = new TextEncoder();

/**
 * The longest text, in bytes, that is read character by character. `TextDecoder` has a fixed cost, below which this
 * takes a third of the time.
 */
const LONGEST_SHORT_TEXT = 12;

/** Reads UTF-8. Keeps a byte order mark; what is not UTF-8 becomes U+FFFD. */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= LONGEST_SHORT_TEXT) {
    const text = shortAscii(bytes, start, end);
    if (text !== undefined) {
      return text;
    }
  }
  return decoder.decode(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start));
}

function shortAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  let seen = 0;
  for (let at = start; at < end; at++) {
    seen |= bytes[at]!;
  }
  if (seen > 0x7f) {
    return undefined;
  }
  let text = "";
  let at = start;
  for (; at + 4 <= end; at += 4) {
    text += String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!);
  }
  for (; at < end; at++) {
    text += String.fromCharCode(bytes[at]!);
  }
  return text;
}

/** The longest name a {@link NameCache} keeps, in bytes, and how many names it keeps. */
const LONGEST_NAME = 32;
const NAMES = 2048;

/**
 * Names that were read before: keys of maps and methods come again and again. Looking one up costs half of reading it,
 * and the same string each time lets the engine compare and store keys by reference.
 */
export class NameCache {
  readonly #names: (string | undefined)[] = [];

  /** Reads UTF-8 as {@link readText} does. */
  read(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start;
    if (length > LONGEST_NAME) {
      return readText(bytes, start, end);
    }
    let hash = length;
    let seen = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      seen |= byte;
      hash = Math.imul(hash ^ byte, 0x0100_0193);
    }
    if (seen > 0x7f) {
      return readText(bytes, start, end);
    }
    const slot = (hash ^ (hash >>> 15)) & (NAMES - 1);
    const known = this.#names[slot];
    if (known !== undefined && isText(bytes, start, length, known)) {
      return known;
    }
    const name = readText(bytes, start, end);
    this.#names[slot] = name;
    return name;
  }
}

function isText(bytes: Uint8Array, start: number, length: number, text: string): boolean {
  if (text.length !== length) {
    return false;
  }
  for (let index = 0; index < length; index++) {
    if (bytes[start + index] !== text.charCodeAt(index)) {
      return false;
    }
  }
  return true;
}
