import { describe, expect, test } from "vitest";
import { nearestName } from "../../src/call/nearest-name.js";

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
  ])("%s means %s", (name, meant) => {
    expect(nearestName(name, NAMES)).toBe(meant);
  });

  test.each([["multiply"], ["subtract"], ["zzz"], ["y"], ["a".repeat(65)]])("%s means none of them", (name) => {
    expect(nearestName(name, NAMES)).toBeUndefined();
  });

  test("of two, the one with fewer edits", () => {
    expect(nearestName("setItem", ["getItems", "setItems"])).toBe("setItems");
  });

  test("nothing is meant where there are no names", () => {
    expect(nearestName("add", [])).toBeUndefined();
  });
});
