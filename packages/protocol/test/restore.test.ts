import { expect, it } from "vitest";
import { readText, restore } from "../src/decode.js";

const usual = { protoStandIn: "stand-in", binaries: undefined, offset: 0 };

it("[VAL-4] safe integers become numbers, others stay bigint", () => {
  const edge = BigInt(Number.MAX_SAFE_INTEGER);
  expect(restore([edge, edge + 1n, -edge, -edge - 1n, { a: [0n] }], usual)).toEqual([
    Number.MAX_SAFE_INTEGER,
    edge + 1n,
    Number.MIN_SAFE_INTEGER,
    -edge - 1n,
    { a: [0] },
  ]);
});

it("[VAL-13] the stand-in becomes an own __proto__, writable and enumerable like any field", () => {
  const map = restore({ "stand-in": { "stand-in": 1n }, b: 2 }, usual) as object;
  expect(JSON.stringify(map)).toBe('{"b":2,"__proto__":{"__proto__":1}}');
  expect(Object.getOwnPropertyDescriptor(map, "__proto__")).toMatchObject({
    writable: true,
    enumerable: true,
    configurable: true,
  });
  expect(Object.getPrototypeOf(map)).toBe(Object.prototype);
});

it("bytes become text if strings were read as bytes, except binary values", () => {
  const buffer = new Uint8Array([0, 0, 0x61, 0x62, 0x63]);
  const [text, binary] = [buffer.subarray(2, 3), buffer.subarray(3, 5)];
  const restoring = { ...usual, binaries: new Set([1]), offset: 2 };
  expect(restore([text, binary], restoring)).toEqual(["a", binary]);
  expect(restore([text], usual)).toEqual([text]);
});

it("leaves objects that are not plain maps alone", () => {
  const date = new Date(0);
  const other = Object.create({ inherited: 1n }) as Record<string, unknown>;
  other.own = 1n;
  expect(restore({ date, other }, usual)).toEqual({ date, other });
  expect(other.own).toBe(1n);
});

it("[VAL-6] keeps a byte order mark at the start of text", () => {
  expect(readText(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))).toBe("\ufeffa");
});
