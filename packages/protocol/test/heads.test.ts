import { encode as pack } from "@msgpack/msgpack";
import { expect, it } from "vitest";
import { HEADS } from "../src/heads.js";

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

it("each head byte from 0xc0 to 0xdf has the kind and the length of the specification", () => {
  const found = HEADS.map(([kind, lengthBytes, fixed], index) => [
    (0xc0 + index).toString(16),
    [kind, 1 + lengthBytes + fixed],
  ]);
  expect(Object.fromEntries(found)).toEqual(SHORTEST);
});

it("agrees with what the library writes", () => {
  const heads = [null, 0.5, 200, 2 ** 31, new Uint8Array(1), "x".repeat(40), new Array(20), new Date(0)].map(
    (value) => HEADS[(pack(value)[0] ?? 0) - 0xc0]?.[0],
  );
  expect(heads).toEqual(["scalar", "scalar", "scalar", "scalar", "binary", "string", "array", "extension"]);
});
