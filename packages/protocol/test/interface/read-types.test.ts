import { expect, test } from "vitest";
import { isMap, readText, readType } from "../../src/interface/read-interface.js";

const plenty = () => ({ left: 1_000 });

test.each<[unknown, unknown]>([
  ["int", "int"],
  [{ list: "str" }, { list: "str" }],
  [{ map: { list: "bytes" } }, { map: { list: "bytes" } }],
  [{ tuple: ["int", "time"] }, { tuple: ["int", "time"] }],
  [{ union: ["int", "nil"] }, { union: ["int", "nil"] }],
  [{ literal: "a" }, { literal: "a" }],
  [{ literal: -1 }, { literal: -1 }],
  [{ literal: -0 }, { literal: 0 }],
  [{ literal: false }, { literal: false }],
  [{ ref: "Point" }, { ref: "Point" }],
])("[INT-2] %j is read unchanged", (sent, read) => {
  expect(readType(sent, plenty())).toEqual(read);
});

test.each<[unknown, unknown]>([
  ["decimal", undefined],
  [undefined, undefined],
  [null, undefined],
  [7, undefined],
  [["int"], undefined],
  [{}, undefined],
  [{ set: "int" }, undefined],
  [{ ref: 1 }, undefined],
  [{ tuple: "int" }, undefined],
  [{ union: null }, undefined],
  [{ literal: null }, undefined],
  [{ literal: 0.5 }, undefined],
  [{ list: "decimal" }, { list: "any" }],
  [{ map: null }, { map: "any" }],
  [{ tuple: ["int", "decimal"] }, { tuple: ["int", "any"] }],
  [{ union: ["decimal", "nil"] }, { union: ["any", "nil"] }],
])("[INT-3] %j, which is unknown, is read as %j", (sent, read) => {
  expect(readType(sent, plenty())).toEqual(read);
});

test("[INT-3] a literal that is too large becomes its type", () => {
  expect(readType({ literal: 2n ** 60n }, plenty())).toBe("int");
  expect(readType({ literal: "x".repeat(1_001) }, plenty())).toBe("str");
});

test("[INT-3] types deeper than 32 levels are any", () => {
  let deep: unknown = "int";
  for (let level = 0; level < 50; level++) {
    deep = { list: deep };
  }
  let read: unknown = readType(deep, plenty());
  for (let level = 0; level < 32; level++) {
    read = (read as { list: unknown }).list;
  }
  expect(read).toBe("any");
});

test("[INT-3] types beyond the budget are any", () => {
  const budget = { left: 3 };
  expect(readType({ tuple: Array(1_000_000).fill("int") }, budget)).toEqual({ tuple: ["int", "int", "any"] });
  expect(readType("int", budget)).toBe("any");
});

test("a value that contains itself is read to the maximum depth", () => {
  const cycle: Record<string, unknown> = {};
  cycle.list = cycle;
  expect(JSON.stringify(readType(cycle, plenty()))).toContain('"any"');
});

test("text is limited in length, with lone surrogates replaced", () => {
  expect(readText("größe")).toBe("größe");
  expect(readText("a\ud800")).toBe("a\ufffd");
  expect(readText("x".repeat(1_001))).toBeUndefined();
  expect(readText(1)).toBeUndefined();
});

test("only plain objects are maps", () => {
  expect([{}, Object.create(null)].every(isMap)).toBe(true);
  expect([[], null, undefined, new Map(), new Date(), "x", () => {}].some(isMap)).toBe(false);
});
