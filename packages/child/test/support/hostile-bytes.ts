// Bytes that no codec of ours would write.

/** A MessagePack map of short texts, numbers and what they hold, that claims `more` fields than it has. */
export function mapBytes(fields: Readonly<Record<string, string | number>>, more = 0): Uint8Array {
  const entries = Object.entries(fields);
  const bytes = [0x80 | (entries.length + more)];
  for (const [key, value] of entries) {
    bytes.push(...textBytes(key), ...(typeof value === "number" ? [value & 0x7f] : textBytes(value)));
  }
  return Uint8Array.from(bytes);
}

/** A text as MessagePack. */
export function textBytes(text: string): Uint8Array {
  const utf8 = new TextEncoder().encode(text);
  const { length } = utf8;
  const head =
    length < 32 ? [0xa0 | length] : [0xdb, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255];
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  bytes.set(utf8, head.length);
  return bytes;
}

/** One after the other. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** Arrays inside each other, as many as this. */
export function nestedArrays(depth: number): Uint8Array {
  const bytes = new Uint8Array(depth).fill(0x91);
  bytes[depth - 1] = 0x90;
  return bytes;
}
