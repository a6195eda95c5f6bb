// UTF-8, in both directions.

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
export const utf8Encoder: TextEncoder = new TextEncoder();

/**
 * The longest text, in bytes, that is read character by character. `TextDecoder` has a fixed cost of about 190 ns;
 * 8 characters take 25 ns.
 */
const LONGEST_SHORT_TEXT = 24;

/** The length of a message id, a UUID. */
const UUID_LENGTH = 36;

/** Reads UTF-8. Keeps a byte order mark; what is not UTF-8 becomes U+FFFD. */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if ((length <= LONGEST_SHORT_TEXT || length === UUID_LENGTH) && isAscii(bytes, start, end)) {
    return length === UUID_LENGTH ? asciiUuid(bytes, start) : shortAscii(bytes, start, end);
  }
  return decoder.decode(new Uint8Array(bytes.buffer, bytes.byteOffset + start, length));
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let seen = 0;
  for (let at = start; at < end; at++) {
    seen |= bytes[at]!;
  }
  return seen < 0x80;
}

const { fromCharCode } = String;

function shortAscii(b: Uint8Array, start: number, end: number): string {
  let text = "";
  let at = start;
  for (; at + 8 <= end; at += 8) {
    text += fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!, b[at + 6]!, b[at + 7]!);
  }
  if (at + 4 <= end) {
    text += fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!);
    at += 4;
  }
  for (; at < end; at++) {
    text += fromCharCode(b[at]!);
  }
  return text;
}

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

/** The longest name a {@link NameCache} keeps, in bytes, and how many names it keeps. */
const LONGEST_NAME = 32;
const NAMES = 2048;

/**
 * Names that were read before: keys of maps and methods come again and again. Looking one up costs half of reading it,
 * and the same string each time lets the engine compare and store keys by reference.
 */
export class NameCache {
  readonly #names: (string | undefined)[] = new Array<string | undefined>(NAMES).fill(undefined);

  /** Reads UTF-8 as {@link readText} does. */
  read(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start;
    if (length === 0 || length > LONGEST_NAME) {
      return readText(bytes, start, end);
    }
    const slot = slotOf(bytes, start, length);
    const known = this.#names[slot];
    if (known !== undefined && isText(bytes, start, length, known)) {
      return known;
    }
    const name = readText(bytes, start, end);
    // Names that are not ASCII are not kept: their characters cannot be compared with bytes.
    if (name.length === length) {
      this.#names[slot] = name;
    }
    return name;
  }
}

/** Mixes the length, the first byte and the last three: mixing in all bytes takes longer than reading some names again. */
function slotOf(bytes: Uint8Array, start: number, length: number): number {
  const last = start + length - 1;
  const third = length > 2 ? bytes[last - 2]! : 0;
  const second = length > 1 ? bytes[last - 1]! : 0;
  const hash = length * 0x4f1b + bytes[start]! * 0x2545 + third * 0x0107 + second * 0x1003 + bytes[last]! * 0x0193;
  return (hash ^ (hash >>> 11)) & (NAMES - 1);
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
