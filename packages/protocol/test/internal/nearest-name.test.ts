import { describe, expect, test } from "vitest";
import { nearestName } from "../../src/internal/nearest-name.js";

const NAMES = ["add", "factorial", "listItems", "x"];

describe("the name that was probably meant", () => {
  test.each([
    ["ad", "add"],
    ["addd", "add"],
    ["ADD", "add"],
    ["factorail", "factorial"],
    ["Factorial", "factorial"],
    ["list_items", "listItems"],
    ["ListItems", "listItems"],
  ])("%s is probably %s", (name, meant) => {
    expect(nearestName(name, NAMES)).toBe(meant);
  });

  test.each([["multiply"], ["subtract"], ["zzz"], ["y"], ["a".repeat(65)]])("%s is none of the names", (name) => {
    expect(nearestName(name, NAMES)).toBeUndefined();
  });

  test("of two, the one with fewer edits is chosen", () => {
    expect(nearestName("setItem", ["getItems", "setItems"])).toBe("setItems");
  });

  test("without names there is none", () => {
    expect(nearestName("add", [])).toBeUndefined();
  });
});
