import { UNFORWARDED_WRITE } from "@multifrost/protocol/internal";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type OnLine, StreamTap, type TappedStream, writeUnforwarded } from "../../src/output/stream-tap.js";

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

function tap(alsoLocal = false, onLine: OnLine = (_tap, text) => void lines.push(text)) {
  const made = new StreamTap("stdout", alsoLocal, onLine);
  taps.push(made);
  return made;
}

describe("writes become lines", () => {
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
    tap(false, (made, text) => made.writeLocal(`${text}!\n`));
    process.stdout.write("a\n");
    expect(real.mock.calls).toEqual([["a!\n"]]);
  });
});

describe("with the real stream written as well", () => {
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
    const written: string[] = [];
    tap(true, (_tap, text) => void written.push(`lower ${text}`));
    tap(true, (_tap, text) => void written.push(`upper ${text}`));
    process.stdout.write("a\n");
    expect(written).toEqual(["upper a", "lower a"]);
    expect(Reflect.get(process.stdout, UNFORWARDED_WRITE)).toBe(real);
    taps[first]?.release();
    expect(Reflect.get(process.stdout, UNFORWARDED_WRITE)).toBe(real);
    process.stdout.write("b\n");
    expect(written.slice(2)).toEqual([first === 0 ? "upper b" : "lower b"]);
    taps[second]?.release();
    process.stdout.write("c\n");
    expect(written).toHaveLength(3);
    expect(real.mock.calls.map(([text]) => text)).toEqual(["a\n", "b\n", "c\n"]);
  });
});

describe("writing unforwarded", () => {
  const stream: TappedStream = process.stderr;
  const plainWrite = stream.write;

  afterEach(() => {
    stream.write = plainWrite;
    delete stream[UNFORWARDED_WRITE];
  });

  test("goes past the forwarding to the real stream", () => {
    const tapped = vi.fn(() => true);
    const real = vi.fn(() => true);
    stream.write = tapped;
    stream[UNFORWARDED_WRITE] = real;
    writeUnforwarded("stderr", "line\n");
    expect(real.mock.calls).toEqual([["line\n"]]);
    expect(real.mock.contexts).toEqual([process.stderr]);
    expect(tapped).not.toHaveBeenCalled();
  });

  test("goes to the stream where nothing is forwarded", () => {
    const plain = vi.fn(() => true);
    stream.write = plain;
    writeUnforwarded("stderr", "line\n");
    expect(plain.mock.calls).toEqual([["line\n"]]);
  });
});
