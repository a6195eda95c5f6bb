import { UNFORWARDED_WRITE } from "@multifrost/protocol/internal";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type OnLine, type StreamTap, tapStream } from "../../src/output/stream-tap.js";

let real: ReturnType<typeof vi.fn>;
let original: typeof process.stdout.write;
let taps: StreamTap[];
let lines: string[];

beforeEach(() => {
  original = process.stdout.write;
  real = vi.fn(() => false);
  process.stdout.write = real as unknown as typeof process.stdout.write;
  taps = [];
  lines = [];
});

afterEach(() => {
  for (const made of taps.reverse()) {
    made.release();
  }
  process.stdout.write = original;
});

function tap(alsoLocal = false, onLine: OnLine = (text) => void lines.push(text)) {
  const made = tapStream("stdout", alsoLocal, onLine);
  taps.push(made);
  return made;
}

describe("what is written becomes lines", () => {
  test("in pieces, several at once, and with either line end", () => {
    tap();
    process.stdout.write("one, ");
    process.stdout.write("still one\ntwo\r\n\nfo");
    expect(lines).toEqual(["one, still one", "two", ""]);
    process.stdout.write("ur\n");
    expect(lines[3]).toBe("four");
    expect(real).not.toHaveBeenCalled();
  });

  test("as bytes, also split inside a character", () => {
    tap();
    const bytes = new TextEncoder().encode("snow ❄ and 🧊\n");
    for (const byte of bytes) {
      process.stdout.write(Uint8Array.of(byte));
    }
    expect(lines).toEqual(["snow ❄ and 🧊"]);
  });

  test.each([
    ["base64", "bGluZQo="],
    ["hex", "6c696e650a"],
    ["utf8", "line\n"],
    ["latin1", "line\n"],
  ] as const)("in the encoding %s", (encoding, text) => {
    tap();
    process.stdout.write(text, encoding);
    expect(lines).toEqual(["line"]);
  });

  test("the writer's callback is called later, with and without an encoding, and there is never backpressure", async () => {
    tap();
    const called: string[] = [];
    expect(process.stdout.write("a\n", () => void called.push("a"))).toBe(true);
    expect(process.stdout.write("b\n", "utf8", () => void called.push("b"))).toBe(true);
    expect(called).toEqual([]);
    await new Promise(setImmediate);
    expect(called).toEqual(["a", "b"]);
  });

  test("a line can be written to the real stream", () => {
    tap(false, (text, local) => local(`${text}!\n`));
    process.stdout.write("a\n");
    expect(real.mock.calls).toEqual([["a!\n"]]);
  });
});

describe("where the real stream is written as well", () => {
  test("it gets what was written, just as it was, with callback and its own backpressure", () => {
    tap(true);
    const callback = (): void => {};
    expect(process.stdout.write("half a", "utf8", callback)).toBe(false);
    expect(real.mock.calls).toEqual([["half a", "utf8", callback]]);
    process.stdout.write(" line\n");
    expect(lines).toEqual(["half a line"]);
  });
});

describe("the real write", () => {
  test("can be found while the stream is tapped, and not afterwards", () => {
    const made = tap();
    expect(Reflect.get(process.stdout, UNFORWARDED_WRITE)).toBe(real);
    made.release();
    expect(Reflect.has(process.stdout, UNFORWARDED_WRITE)).toBe(false);
    expect(process.stdout.write).toBe(real);
  });

  test.each([
    ["first made, first released", 0, 1],
    ["last made, first released", 1, 0],
  ])("two taps, %s: each gives back, nothing is lost, and the real write stays known", (_order, first, second) => {
    const heard: string[] = [];
    tap(true, (text) => void heard.push(`lower ${text}`));
    tap(true, (text) => void heard.push(`upper ${text}`));
    process.stdout.write("a\n");
    expect(heard).toEqual(["upper a", "lower a"]);
    expect(Reflect.get(process.stdout, UNFORWARDED_WRITE)).toBe(real);
    taps[first]?.release();
    expect(Reflect.get(process.stdout, UNFORWARDED_WRITE)).toBe(real);
    process.stdout.write("b\n");
    expect(heard.slice(2)).toEqual([first === 0 ? "upper b" : "lower b"]);
    taps[second]?.release();
    process.stdout.write("c\n");
    expect(heard).toHaveLength(3);
    expect(real.mock.calls.map(([text]) => text)).toEqual(["a\n", "b\n", "c\n"]);
  });
});
