// Whether bytes are UTF-8, as https://www.rfc-editor.org/rfc/rfc3629 says. Read by scan.ts.

/** The least code point that needs so many bytes behind the first. */
const LEAST = [0, 0x80, 0x800, 0x1_0000] as const;

/** Whether the bytes from `start` up to `end` are UTF-8: nothing cut off, in its shortest form, no half surrogate pairs. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const byte = bytes[at++] as number;
    if (byte < 0x80) {
      continue;
    }
    if (byte < 0xc2 || byte > 0xf4) {
      return false;
    }
    const more = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    if (at + more > end) {
      return false;
    }
    let code = byte & (0x3f >> more);
    for (let index = 0; index < more; index++) {
      const next = bytes[at++] as number;
      if (next >> 6 !== 0b10) {
        return false;
      }
      code = (code << 6) | (next & 0x3f);
    }
    if (code < LEAST[more]! || code > 0x10_ffff || (code >= 0xd800 && code <= 0xdfff)) {
      return false;
    }
  }
  return true;
}
