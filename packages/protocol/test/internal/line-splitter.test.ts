import fc from "fast-check";
import { expect, it } from "vitest";
import { LineSplitter } from "../../src/internal/index.js";

const MAX = 1024 * 1024;

function split(...chunks: (string | Uint8Array)[]): { lines: string[]; rest: string } {
  const splitter = new LineSplitter();
  return { lines: chunks.flatMap((chunk) => splitter.add(chunk)), rest: splitter.rest() };
}

it("[MSG-10] returns lines without their ends, of either kind, and keeps an unfinished line", () => {
  expect(split("a\nb\r\n\nc")).toEqual({ lines: ["a", "b", ""], rest: "c" });
  expect(split("a", "b", "\n")).toEqual({ lines: ["ab"], rest: "" });
  expect(split("a\r", "\nb\rc\n")).toEqual({ lines: ["a", "b\rc"], rest: "" });
  expect(split()).toEqual({ lines: [], rest: "" });
});

it("returns the rest once", () => {
  const splitter = new LineSplitter();
  splitter.add("a");
  expect([splitter.rest(), splitter.rest(), splitter.add("b\n")]).toEqual(["a", "", ["b"]]);
});

it("keeps a character whose bytes are in two chunks whole", () => {
  const bytes = new TextEncoder().encode("é😀\n€");
  for (let at = 0; at <= bytes.length; at++) {
    expect(split(bytes.subarray(0, at), bytes.subarray(at))).toEqual({ lines: ["é😀"], rest: "€" });
  }
  expect(split(bytes.subarray(0, 3)).rest).toBe("é\ufffd");
});

it("returns the same lines however text is cut into chunks", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "é", "😀", "\n", "\r\n", "\r") });
  fc.assert(
    fc.property(fc.array(text), fc.boolean(), (parts, asBytes) => {
      const encoder = new TextEncoder();
      const { lines, rest } = split(...parts.map((part) => (asBytes ? encoder.encode(part) : part)));
      const whole = parts.join("").split("\n");
      expect([...lines, rest]).toEqual(
        whole.map((line, index) => (index < whole.length - 1 ? line.replace(/\r$/, "") : line)),
      );
    }),
  );
});

it("splits a line longer than 1 MiB into pieces, ended or not, from one chunk or many", () => {
  const long = "x".repeat(MAX * 2 + 5);
  const expected = [MAX, MAX, 5];
  expect(split(`${long}\nafter\n`).lines.map((line) => line.length)).toEqual([...expected, 5]);
  const inChunks = split(...Array.from({ length: 33 }, (_, index) => long.slice(index * 65_536, (index + 1) * 65_536)));
  expect([...inChunks.lines, inChunks.rest].map((line) => line.length)).toEqual(expected);
  expect(split("x".repeat(MAX), "\n").lines.map((line) => line.length)).toEqual([MAX]);
});

it("never splits a character", () => {
  const { lines, rest } = split(`x${"😀".repeat(MAX)}`);
  expect([...lines, rest].every((piece) => piece.isWellFormed())).toBe(true);
  expect([...lines, rest].join("")).toBe(`x${"😀".repeat(MAX)}`);
});

it("searches a million characters written one by one only once", () => {
  const splitter = new LineSplitter();
  let searched = 0;
  const indexOf = String.prototype.indexOf;
  String.prototype.indexOf = function (this: string, ...args: [string, number?]) {
    searched += this.length;
    return indexOf.apply(this, args);
  };
  try {
    for (let index = 0; index < 1_000_000; index++) {
      splitter.add(".");
    }
  } finally {
    String.prototype.indexOf = indexOf;
  }
  expect(searched).toBe(1_000_000);
  expect(splitter.rest().length).toBe(1_000_000);
});

it.each(["\n", "\r\n"])("a line of whole pieces is not followed by an empty one, ended by %j", (end) => {
  for (const count of [1, 2]) {
    const pieces = Array.from({ length: count }, () => MAX);
    const long = `${"x".repeat(MAX * count)}`;
    for (const chunks of [
      [`${long}${end}after\n`],
      [long, end, "after\n"],
      [long.slice(0, -1), `x${end}`, "after\n"],
      [`${long}\r`, "\nafter\n"],
    ]) {
      expect(split(...chunks).lines.map((line) => line.length)).toEqual([...pieces, 5]);
    }
  }
  expect(split(`a${end}${end}b${end}`).lines).toEqual(["a", "", "b"]);
});
