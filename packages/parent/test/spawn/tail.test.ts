import { describe, expect, it } from "vitest";
import { createTail } from "../../src/spawn/tail.js";

const bytesIn = (text: string): number => new TextEncoder().encode(text).length;

describe("the tail of stderr", () => {
  it("is empty before anything was written", () => {
    expect(createTail().text()).toBe("");
  });

  it("is everything, as long as that is 4 KiB at most", () => {
    const tail = createTail();
    tail.add("a".repeat(4000));
    tail.add("b".repeat(96));
    expect(tail.text()).toBe("a".repeat(4000) + "b".repeat(96));
  });

  it("is the last 4 KiB of more", () => {
    const tail = createTail();
    tail.add("a".repeat(4096));
    tail.add("the end");
    expect(tail.text()).toBe(`${"a".repeat(4089)}the end`);
  });

  it("counts bytes and never begins in the middle of a character", () => {
    const tail = createTail();
    tail.add(`x${"é".repeat(4096)}y`);
    expect(tail.text()).toMatch(/^é+y$/);
    expect(bytesIn(tail.text())).toBe(4095);
  });
});
