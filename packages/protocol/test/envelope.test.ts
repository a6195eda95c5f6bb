import { decode, Encoder } from "@msgpack/msgpack";
import fc from "fast-check";
import { expect, it } from "vitest";
import { EnvelopeWriter } from "../src/encode.js";

const encoder = new Encoder({ useBigInt64: true, ignoreUndefined: true });
const encodeValue = (value: unknown): Uint8Array => encoder.encodeSharedRef(value);

/** Lengths around those where the head of a text changes and where the library writes it. */
const texts = [0, 1, 31, 32, 33, 254, 255, 256, 20_000].flatMap((length) => ["x".repeat(length), "é".repeat(length)]);

it("writes the same bytes as the library does", () => {
  const writer = new EnvelopeWriter(encodeValue);
  for (const text of texts) {
    for (const value of [text, [text], 0.5, 1, null, { text }, new Uint8Array(300)]) {
      const fields = { app: "x", id: text, absent: undefined, value };
      expect(Buffer.compare(writer.write(fields), encoder.encode(fields))).toBe(0);
    }
  }
});

it("a written message is not changed by later ones of any size", () => {
  const writer = new EnvelopeWriter(encodeValue);
  const fields = fc.record({ id: fc.string(), number: fc.double({ noNaN: true }), size: fc.nat(40_000) });
  fc.assert(
    fc.property(fc.array(fields, { maxLength: 20 }), (messages) => {
      const sent = messages.map(({ size, ...rest }) => ({ ...rest, body: new Uint8Array(size).fill(size) }));
      const written = sent.map((message) => writer.write(message));
      for (const [index, bytes] of written.entries()) {
        expect(withBodyAsText(bytes)).toEqual(withBodyAsText(encoder.encode(sent[index])));
      }
    }),
    { numRuns: 50 },
  );
});

/** Text is compared at once, binary element by element. */
function withBodyAsText(bytes: Uint8Array): object {
  const { body, ...rest } = decode(bytes) as { body: Uint8Array };
  return { ...rest, body: Buffer.from(body).toString("latin1") };
}

it("a message written while another is being written does not mix with it", () => {
  let inner: Uint8Array | undefined;
  const writer = new EnvelopeWriter((value) => {
    if (inner === undefined) {
      inner = new Uint8Array();
      inner = writer.write({ id: "inner", text: "é" });
    }
    return new Encoder().encode(value);
  });
  const outer = writer.write({ id: "outer", value: [1, 2, 3], more: "ä" });
  expect(decode(outer)).toEqual({ id: "outer", value: [1, 2, 3], more: "ä" });
  expect(decode(inner as Uint8Array)).toEqual({ id: "inner", text: "é" });
});

it("writes the next message correctly after a value that cannot be encoded", () => {
  let fails = true;
  const writer = new EnvelopeWriter((value) => {
    if (fails) {
      throw new Error("cannot be encoded");
    }
    return encodeValue(value);
  });
  expect(() => writer.write({ id: "first", value: [1] })).toThrow("cannot be encoded");
  fails = false;
  expect(decode(writer.write({ id: "second", value: [2] }))).toEqual({ id: "second", value: [2] });
});
