import { encode as pack } from "@msgpack/msgpack";
import fc from "fast-check";
import { expect, it } from "vitest";
import { completeLimits, type MessageLimits } from "../src/limits.js";
import { type Scan, scan } from "../src/scan.js";
import { fromHex } from "./wire.js";

function scanned(hex: string, limits?: Partial<MessageLimits>): Scan {
  return scan(fromHex(hex), completeLimits(limits));
}

it("finds no fault in what the library encodes, and one as soon as a byte is missing or one too many is there", () => {
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

it("never throws, whatever the bytes are", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(() => scan(bytes, completeLimits({ maxDepth: 3, maxValues: 20 }))).not.toThrow();
    }),
    { numRuns: 3000 },
  );
});

it("tells of 64-bit integers, in either form and at any depth", () => {
  expect(scanned("cf0000000000000001").wideIntegers).toBe(true);
  expect(scanned("9181a161d30000000000000001").wideIntegers).toBe(true);
  expect(scanned("93ce00000001d200000001cb0000000000000000").wideIntegers).toBe(false);
});

it("tells of a __proto__ key, and not of the same text elsewhere", () => {
  const text = "a95f5f70726f746f5f5f";
  expect(scanned(`9181${text}01`).protoKey).toBe(true);
  expect(scanned(`81a161${text}`).protoKey).toBe(false);
  expect(scanned(`91${text}`).protoKey).toBe(false);
  expect(scanned("81a95f5f70726f746f5f5e01").protoKey).toBe(false);
});

it("tells of text that the library reads in a way of its own, and where binary values start", () => {
  expect(scanned("93c40101a4efbbbf61c5000102")).toMatchObject({ oddText: true, binaries: [3, 12] });
  expect(scanned("93a461efbbbfc403efbbbfc401ff").oddText).toBe(false);
  expect(scanned("91a1ff").oddText).toBe(true);
  expect(scanned("81a2c3a4c0").oddText).toBe(false);
  expect(scanned("81a1c3c0").oddText).toBe(true);
});

it("knows keys from values behind keys that are containers themselves", () => {
  // {[["a"]]: "__proto__"} and {{"a": 1}: 2, "__proto__": 3}
  expect(scanned("819191a161a95f5f70726f746f5f5f").protoKey).toBe(false);
  expect(scanned("8281a1610102a95f5f70726f746f5f5f03").protoKey).toBe(true);
});

it("finds id and type of the message itself, also behind other fields and in any order", () => {
  const found = scanned("83a474797065a179a26964a178a16101");
  expect(found.typeSpan).toEqual({ start: 7, end: 8 });
  expect(found.idSpan).toEqual({ start: 12, end: 13 });
  expect(scanned("9182a26964a178a474797065a179")).toMatchObject({ idSpan: undefined, typeSpan: undefined });
});

it("[LIM-3] of 64 MiB that nest without end it looks at a few hundred bytes", () => {
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
