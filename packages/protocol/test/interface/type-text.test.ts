import { expect, test } from "vitest";
import { createNames } from "../../src/interface/identifiers.js";
import type { ParameterDescription, ValueType } from "../../src/interface/index.js";
import { parametersText, returnText, typeText } from "../../src/interface/type-text.js";

const records = new Map([["Point", "Point2"]]);

test.each<[ValueType | undefined, string]>([
  [undefined, "unknown"],
  ["any", "unknown"],
  ["nil", "null"],
  ["bool", "boolean"],
  ["int", "number"],
  ["float", "number"],
  ["str", "string"],
  ["bytes", "Uint8Array"],
  ["time", "Date"],
  [{ list: "int" }, "number[]"],
  [{ list: { list: "any" } }, "unknown[][]"],
  [{ list: { union: ["int", "nil"] } }, "(number | null)[]"],
  [{ list: { union: ["int", "float"] } }, "number[]"],
  [{ map: { union: ["int", "nil"] } }, "Record<string, number | null>"],
  [{ list: { map: { union: ["int", "nil"] } } }, "Record<string, number | null>[]"],
  [{ tuple: ["int", "str"] }, "[number, string]"],
  [{ tuple: [] }, "[]"],
  [{ union: ["str", "nil"] }, "string | null"],
  [{ union: ["str", "any"] }, "unknown"],
  [{ union: [] }, "never"],
  [{ literal: 'it"s' }, '"it\\"s"'],
  [{ literal: -3 }, "-3"],
  [{ literal: true }, "true"],
  [{ ref: "Point" }, "Point2"],
  [{ ref: "Gone" }, "unknown"],
])("[INT-2] %j is %s", (type, text) => {
  expect(typeText(type, records)).toBe(text);
});

test("a method that returns nil returns void, one that may return nil a union", () => {
  expect(returnText("nil", records)).toBe("void");
  expect(returnText({ union: ["int", "nil"] }, records)).toBe("number | null");
});

test.each<[readonly ParameterDescription[] | undefined, string]>([
  [undefined, "...args: unknown[]"],
  [[], ""],
  [[{ name: "a" }, { name: "b", type: "int" }], "a: unknown, b: number"],
  [[{ name: "a", type: "int", optional: true }], "a?: number"],
  [
    [
      { name: "a", type: "int", optional: true },
      { name: "b", optional: true },
      { name: "c", type: "str" },
    ],
    "a: number | undefined, b: unknown, c: string",
  ],
  [
    [
      { name: "a", optional: true },
      { name: "more", type: { union: ["int", "nil"] }, rest: true },
    ],
    "a?: unknown, ...more: (number | null)[]",
  ],
  [[{ name: "more", rest: true }, { name: "b" }], "...more: unknown[]"],
  [[{ name: "in" }, { name: "a b" }, { name: "a b" }], "in_: unknown, a_b: unknown, a_b2: unknown"],
])("parameters %j are %s", (parameters, text) => {
  expect(parametersText(parameters, records, createNames())).toBe(text);
});
