import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createNames,
  docComment,
  identifierOf,
  isIdentifier,
  memberName,
  quoted,
} from "../../src/interface/identifiers.js";
import { hostileText } from "./descriptions.js";

test.each(["a", "_", "$", "größe", "変数", "имя", "of", "type", "toString"])("%s is an identifier", (name) => {
  expect(isIdentifier(name)).toBe(true);
  expect(identifierOf(name)).toBe(name);
  expect(memberName(name)).toBe(name);
});

test.each([
  ["", "_", '""'],
  ["a-b", "a_b", '"a-b"'],
  ["2nd", "_2nd", '"2nd"'],
  ["class", "class_", '"class"'],
  ["new", "new_", '"new"'],
  ["this", "this_", '"this"'],
  ["a b\n", "a_b_", '"a b\\n"'],
  ["\u{1c89}", "_", '"\u{1c89}"'],
  ["𝒳", "_", '"𝒳"'],
])("%j is not an identifier: %s as a parameter, %s as a method", (text, parameter, member) => {
  expect(isIdentifier(text)).toBe(false);
  expect(identifierOf(text)).toBe(parameter);
  expect(memberName(text)).toBe(member);
});

test("names differ from each other and from taken ones", () => {
  const nameOf = createNames(["Date", "a2"]);
  expect(["a", "a", "Date", "a", "a-b", "a_b"].map(nameOf)).toEqual(["a", "a3", "Date2", "a4", "a_b", "a_b2"]);
});

test("any text has an identifier", () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      expect(isIdentifier(identifierOf(text))).toBe(true);
    }),
  );
});

test("a string literal evaluates to its text and has no invisible characters", () => {
  expect(quoted('a"\\\u202e\u2028\u{e0041}')).toBe('"a\\"\\\\\\u{202e}\\u{2028}\\u{e0041}"');
  fc.assert(
    fc.property(hostileText, (text) => {
      const literal = quoted(text);
      expect(literal).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(new Function(`"use strict"; return ${literal};`)()).toBe(text);
    }),
  );
});

test("documentation cannot end its comment", () => {
  expect(docComment("Adds.\r\n\n  a */ b\u202e @ts-ignore", "  ")).toBe(
    ["  /**", "   * Adds.", "   *", "   * a *\\/ b  @ ts-ignore", "   */", ""].join("\n"),
  );
  fc.assert(
    fc.property(hostileText, hostileText, (first, second) => {
      const comment = docComment(`${first}\n${second}`, "");
      expect(comment.indexOf("*/")).toBe(comment.length - 3);
      expect(comment).not.toContain("@ts-");
    }),
  );
});
