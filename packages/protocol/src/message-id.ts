import { asciiUuid } from "./value-reader.js";

/** Random bytes are drawn for this many ids at once: one draw costs as much as ten ids. */
const BATCH = 128;
const RANDOM_BYTES = 16;

/** The two hexadecimal digits of each byte, as character codes. */
const HEX_DIGITS: readonly number[] = [..."0123456789abcdef"].map((digit) => digit.charCodeAt(0));

let random: Uint8Array<ArrayBuffer> | undefined;
let next = 0;
const text = new Uint8Array(36).fill("-".charCodeAt(0));

/**
 * A new message id: a random UUID v4.
 *
 * Takes 180 ns; `crypto.randomUUID` takes 290, and 550 until its text is in one piece.
 */
export function newMessageId(): string {
  if (random === undefined || next === random.length) {
    random ??= new Uint8Array(BATCH * RANDOM_BYTES);
    globalThis.crypto.getRandomValues(random);
    next = 0;
  }
  let at = 0;
  for (let index = 0; index < RANDOM_BYTES; index++) {
    let byte = random[next]!;
    random[next++] = 0;
    if (index === 6) {
      byte = 0x40 | (byte & 0x0f);
    } else if (index === 8) {
      byte = 0x80 | (byte & 0x3f);
    }
    if (index === 4 || index === 6 || index === 8 || index === 10) {
      at++;
    }
    text[at++] = HEX_DIGITS[byte >> 4]!;
    text[at++] = HEX_DIGITS[byte & 0x0f]!;
  }
  return asciiUuid(text, 0);
}
