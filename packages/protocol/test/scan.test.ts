import { encode as pack } from "@msgpack/msgpack";
import fc from "fast-check";
import { expect, it } from "vitest";
import { completeLimits, type MessageLimits } from "../src/limits.js";
import { HEADS, isUtf8, type Scan, scan } from "../src/scan.js";
import { fromHex } from "./wire.js";

function scanned(hex: string, limits?: Partial<MessageLimits>): Scan {
  return scan(fromHex(hex), completeLimits(limits));
}

it("accepts what the library encodes, and finds a missing or surplus byte", () => {
  const values = fc.anything({ withDate: true, withTypedArray: true, withSparseArray: false, maxDepth: 4 });
  fc.assert(
    fc.property(values, (value) => {
      let bytes: Uint8Array;
      try {
        bytes = pack(value, { useBigInt64: true });
      } catch {
        return;
      }
      const limits = completeLimits();
      expect(scan(bytes, limits).fault).toBe(undefined);
      expect(scan(bytes.subarray(0, -1), limits).fault?.what).toMatch(/too early|more items than it has bytes/);
      expect(scan(new Uint8Array([...bytes, 0]), limits).fault?.what).toBe("1 bytes too many");
    }),
  );
});

it("never throws for any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(() => scan(bytes, completeLimits({ maxDepth: 3, maxValues: 20 }))).not.toThrow();
    }),
    { numRuns: 3000 },
  );
});

it("finds 64-bit integers, in either form and at any depth", () => {
  expect(scanned("cf0000000000000001").wideIntegers).toBe(true);
  expect(scanned("9181a161d30000000000000001").wideIntegers).toBe(true);
  expect(scanned("93ce00000001d200000001cb0000000000000000").wideIntegers).toBe(false);
});

it("finds a __proto__ key, and not the same text elsewhere", () => {
  const text = "a95f5f70726f746f5f5f";
  expect(scanned(`9181${text}01`).protoKey).toBe(true);
  expect(scanned(`81a161${text}`).protoKey).toBe(false);
  expect(scanned(`91${text}`).protoKey).toBe(false);
  expect(scanned("81a95f5f70726f746f5f5e01").protoKey).toBe(false);
});

it("finds text that the library reads differently, and where binary values start", () => {
  expect(scanned("93c40101a4efbbbf61c5000102")).toMatchObject({ oddText: true, binaries: [3, 12] });
  expect(scanned("93a461efbbbfc403efbbbfc401ff").oddText).toBe(false);
  expect(scanned("91a1ff").oddText).toBe(true);
  expect(scanned("81a2c3a4c0").oddText).toBe(false);
  expect(scanned("81a1c3c0").oddText).toBe(true);
});

it("distinguishes keys from values after keys that are containers", () => {
  // {[["a"]]: "__proto__"} and {{"a": 1}: 2, "__proto__": 3}
  expect(scanned("819191a161a95f5f70726f746f5f5f").protoKey).toBe(false);
  expect(scanned("8281a1610102a95f5f70726f746f5f5f03").protoKey).toBe(true);
});

it("finds id and type of the message itself, after other fields and in any order", () => {
  const found = scanned("83a474797065a179a26964a178a16101");
  expect(found.typeSpan).toEqual({ start: 7, end: 8 });
  expect(found.idSpan).toEqual({ start: 12, end: 13 });
  expect(scanned("9182a26964a178a474797065a179")).toMatchObject({ idSpan: undefined, typeSpan: undefined });
});

it("[LIM-3] reads only a few hundred bytes of 64 MiB of nested containers", () => {
  for (const byte of [0x91, 0x81]) {
    let looks = 0;
    const bomb = new Proxy(new Uint8Array(64 * 2 ** 20).fill(byte), {
      get(bytes, key) {
        looks++;
        return Reflect.get(bytes, key, bytes);
      },
    });
    expect(scan(bomb, completeLimits()).fault?.code).toBe("LIMIT_EXCEEDED");
    expect(looks).toBeLessThan(1000);
  }
});

/** Each head byte with a value as short as it may be, from the MessagePack specification. */
const SHORTEST: Readonly<Record<string, [kind: string, bytes: number]>> = {
  c0: ["scalar", 1],
  c1: ["invalid", 1],
  c2: ["scalar", 1],
  c3: ["scalar", 1],
  c4: ["binary", 2],
  c5: ["binary", 3],
  c6: ["binary", 5],
  c7: ["extension", 3],
  c8: ["extension", 4],
  c9: ["extension", 6],
  ca: ["scalar", 5],
  cb: ["scalar", 9],
  cc: ["scalar", 2],
  cd: ["scalar", 3],
  ce: ["scalar", 5],
  cf: ["wide", 9],
  d0: ["scalar", 2],
  d1: ["scalar", 3],
  d2: ["scalar", 5],
  d3: ["wide", 9],
  d4: ["extension", 3],
  d5: ["extension", 4],
  d6: ["extension", 6],
  d7: ["extension", 10],
  d8: ["extension", 18],
  d9: ["string", 2],
  da: ["string", 3],
  db: ["string", 5],
  dc: ["array", 3],
  dd: ["array", 5],
  de: ["map", 3],
  df: ["map", 5],
};

it("each head byte from 0xc0 to 0xdf has the kind and length of the specification", () => {
  const found = HEADS.map(([kind, lengthBytes, fixed], index) => [
    (0xc0 + index).toString(16),
    [kind, 1 + lengthBytes + fixed],
  ]);
  expect(Object.fromEntries(found)).toEqual(SHORTEST);
});

it("head bytes agree with what the library writes", () => {
  const heads = [null, 0.5, 200, 2 ** 31, new Uint8Array(1), "x".repeat(40), new Array(20), new Date(0)].map(
    (value) => HEADS[(pack(value)[0] ?? 0) - 0xc0]?.[0],
  );
  expect(heads).toEqual(["scalar", "scalar", "scalar", "scalar", "binary", "string", "array", "extension"]);
});

const strict = new TextDecoder("utf-8", { fatal: true });

function decodes(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

it("isUtf8 agrees with a strict decoder on every sequence of the edge bytes of each kind", () => {
  const edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee];
  const bytes = [...edges, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff];
  let sequences = [[]] as number[][];
  for (let length = 1; length <= 4; length++) {
    // Four bytes belong together only behind one that begins four.
    const longer = length < 4 ? sequences : sequences.filter(([first = 0]) => first >= 0xf0);
    sequences = longer.flatMap((sequence) => bytes.map((byte) => [...sequence, byte]));
    const all = sequences.map((sequence) => Uint8Array.from(sequence));
    expect(all.filter((sequence) => isUtf8(sequence, 0, length) !== decodes(sequence))).toEqual([]);
  }
});

it("isUtf8 agrees with a strict decoder on any text with one byte changed", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat(), fc.nat(255), (text, place, byte) => {
      const bytes = new TextEncoder().encode(text);
      expect(isUtf8(bytes, 0, bytes.length)).toBe(true);
      bytes[place % (bytes.length + 1)] = byte;
      expect(isUtf8(bytes, 0, bytes.length)).toBe(decodes(bytes));
    }),
    { numRuns: 3000 },
  );
});

it("isUtf8 checks only its part of the bytes", () => {
  expect(isUtf8(fromHex("ff61c3a4ff"), 1, 4)).toBe(true);
  expect(isUtf8(fromHex("61c3a4"), 0, 2)).toBe(false);
  expect(isUtf8(fromHex("ff"), 1, 1)).toBe(true);
});
