import { expect, test } from "vitest";
import { describeMethods } from "../../src/call/describe-methods.js";

test("[INT-1] [INT-2] the language, and of each method its parameters; no types, as JavaScript knows none", () => {
  const methods = new Map([
    ["add", (a: unknown, b: unknown) => [a, b]],
    ["now", () => 0],
    ["sum", (first: unknown, ...more: unknown[]) => [first, more]],
  ] as [string, (...args: readonly unknown[]) => unknown][]);
  expect(describeMethods(methods)).toEqual({
    language: "javascript",
    functions: {
      add: { parameters: [{ name: "a" }, { name: "b" }] },
      now: { parameters: [] },
      sum: { parameters: [{ name: "first" }, { name: "more", rest: true }] },
    },
  });
});

test("a method called __proto__ is one like any other", () => {
  const { functions } = describeMethods(new Map([["__proto__", () => 0]]));
  expect(Object.keys(functions)).toEqual(["__proto__"]);
});
