import fc from "fast-check";
import { expect, it } from "vitest";
import { isUtf8 } from "../src/utf8.js";
import { fromHex } from "./wire.js";

const strict = new TextDecoder("utf-8", { fatal: true });

function isText(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

it("says what a strict decoder says of every sequence of the first, the last and the odd bytes of each kind", () => {
  const edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee];
  const bytes = [...edges, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff];
  let sequences = [[]] as number[][];
  for (let length = 1; length <= 4; length++) {
    sequences = sequences.flatMap((sequence) => bytes.map((byte) => [...sequence, byte]));
    const all = sequences.map((sequence) => Uint8Array.from(sequence));
    expect(all.filter((sequence) => isUtf8(sequence, 0, length) !== isText(sequence))).toEqual([]);
  }
});

it("says what a strict decoder says of any bytes, and of any text with one byte changed", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat(), fc.nat(255), (text, place, byte) => {
      const bytes = new TextEncoder().encode(text);
      expect(isUtf8(bytes, 0, bytes.length)).toBe(true);
      bytes[place % (bytes.length + 1)] = byte;
      expect(isUtf8(bytes, 0, bytes.length)).toBe(isText(bytes));
    }),
    { numRuns: 3000 },
  );
});

it("looks at its part of the bytes only", () => {
  expect(isUtf8(fromHex("ff61c3a4ff"), 1, 4)).toBe(true);
  expect(isUtf8(fromHex("61c3a4"), 0, 2)).toBe(false);
  expect(isUtf8(fromHex("ff"), 1, 1)).toBe(true);
});
