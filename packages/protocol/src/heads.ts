// What the first byte of a MessagePack value says, as a table. Source: https://github.com/msgpack/msgpack/blob/master/spec.md
// Read by scan.ts.

/** What a value is, as far as the scan needs to know. */
export type Kind = "scalar" | "wide" | "string" | "binary" | "extension" | "array" | "map" | "invalid";

/** Kind, how many bytes hold the length, and how many bytes always follow, for the head bytes 0xc0 to 0xdf. */
export const HEADS: readonly (readonly [kind: Kind, lengthBytes: number, fixed: number])[] = [
  ["scalar", 0, 0],
  ["invalid", 0, 0],
  ["scalar", 0, 0],
  ["scalar", 0, 0],
  ["binary", 1, 0],
  ["binary", 2, 0],
  ["binary", 4, 0],
  ["extension", 1, 1],
  ["extension", 2, 1],
  ["extension", 4, 1],
  ["scalar", 0, 4],
  ["scalar", 0, 8],
  ["scalar", 0, 1],
  ["scalar", 0, 2],
  ["scalar", 0, 4],
  ["wide", 0, 8],
  ["scalar", 0, 1],
  ["scalar", 0, 2],
  ["scalar", 0, 4],
  ["wide", 0, 8],
  ["extension", 0, 2],
  ["extension", 0, 3],
  ["extension", 0, 5],
  ["extension", 0, 9],
  ["extension", 0, 17],
  ["string", 1, 0],
  ["string", 2, 0],
  ["string", 4, 0],
  ["array", 2, 0],
  ["array", 4, 0],
  ["map", 2, 0],
  ["map", 4, 0],
];
