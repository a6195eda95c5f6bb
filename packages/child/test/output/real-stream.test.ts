import { UNFORWARDED_WRITE } from "@multifrost/protocol/internal";
import { afterEach, expect, test, vi } from "vitest";
import { type TappedStream, writeUnforwarded } from "../../src/output/real-stream.js";

const stream = process.stderr as TappedStream;
const original = stream.write;

afterEach(() => {
  stream.write = original;
  delete stream[UNFORWARDED_WRITE];
});

test("past the forwarding, to the real stream", () => {
  const tapped = vi.fn(() => true);
  const real = vi.fn(() => true);
  stream.write = tapped;
  stream[UNFORWARDED_WRITE] = real;
  writeUnforwarded("stderr", "line\n");
  expect(real.mock.calls).toEqual([["line\n"]]);
  expect(real.mock.contexts).toEqual([process.stderr]);
  expect(tapped).not.toHaveBeenCalled();
});

test("where nothing is forwarded, as any write", () => {
  const plain = vi.fn(() => true);
  stream.write = plain;
  writeUnforwarded("stderr", "line\n");
  expect(plain.mock.calls).toEqual([["line\n"]]);
});
