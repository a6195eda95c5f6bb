// The frame reader: any stream of messages and commands, cut anywhere, read by chunks or directly into memory.

import { createSeededRandom } from "@multifrost/protocol/internal";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Arrival, CommandFrame, FrameReader, type ReadLimits, TOO_LARGE } from "../src/zmtp/frame-reader.js";
import { COMMAND, frame, MORE } from "../src/zmtp/frames.js";

const LIMITS: ReadLimits = { maxMessageBytes: 1_000_000, maxFrames: 16, maxCommandBytes: 1000 };

/** What is written, and must be read again. */
type Item = { readonly frames: readonly Uint8Array[] } | { readonly command: Uint8Array };

const body = fc.oneof(
  { weight: 5, arbitrary: fc.uint8Array({ maxLength: 20 }) },
  { weight: 3, arbitrary: fc.integer({ min: 250, max: 260 }).map(patterned) },
  { weight: 1, arbitrary: fc.integer({ min: 1000, max: 3000 }).map(patterned) },
);
const item: fc.Arbitrary<Item> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ frames: fc.array(body, { minLength: 1, maxLength: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ command: fc.uint8Array({ maxLength: 300 }) }) },
);

describe("the frame reader", () => {
  it("reads the same from a stream cut at any one place", () => {
    const items: Item[] = [
      { frames: [new Uint8Array(0), patterned(3)] },
      { command: patterned(5) },
      { frames: [new Uint8Array(0), patterned(300), new Uint8Array(0)] },
      { frames: [patterned(255)] },
      { frames: [patterned(256)] },
    ];
    const stream = written(items);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      expectSame(read([stream.subarray(0, cut), stream.subarray(cut)]), stream);
    }
  });

  it("reads the same from a stream in single bytes", () => {
    const items: Item[] = [{ frames: [new Uint8Array(0), patterned(700)] }, { command: patterned(2) }];
    const stream = written(items);
    expect(read([...stream].map((byte) => Uint8Array.of(byte)))).toEqual(items);
  });

  it("reads any stream cut in any places", () => {
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 20 }), cuts, (items, places) => {
        const stream = written(items);
        expectSame(read(pieces(stream, places)), stream);
      }),
      { numRuns: 1000 },
    );
  });

  it("reads large bodies of any size, by chunks and directly into memory, in reads of any size", () => {
    const size = fc.integer({ min: 30_000, max: 400_000 });
    fc.assert(
      fc.property(fc.array(size, { minLength: 1, maxLength: 3 }), fc.integer(), (sizes, seed) => {
        const items = sizes.map((length) => ({ frames: [new Uint8Array(0), patterned(length)] }));
        const stream = written(items);
        expectSame(readDirectly(stream, createSeededRandom(seed)), stream);
      }),
      { numRuns: 50 },
    );
  });

  it("copies what it delivers: the memory of a chunk may be used again", () => {
    const reader = new FrameReader(LIMITS);
    const chunk = written([{ frames: [patterned(10), patterned(2000)] }]);
    reader.push(chunk);
    const message = reader.next();
    chunk.fill(0);
    expect(message).toEqual([patterned(10), patterned(2000)]);
  });

  it("delivers plain Uint8Arrays that do not overlap", () => {
    const reader = new FrameReader(LIMITS);
    reader.push(Buffer.concat([frame(0, patterned(10)), frame(0, patterned(10))]));
    const [first] = framesOf(reader.next());
    const [second] = framesOf(reader.next());
    first?.fill(0);
    expect(second).toEqual(patterned(10));
    expect(Object.getPrototypeOf(first)).toBe(Uint8Array.prototype);
  });

  it("a small message that is kept keeps at most 8 KiB in memory", () => {
    const reader = new FrameReader(LIMITS);
    reader.push(Buffer.concat([frame(0, patterned(150)), Buffer.alloc(60_000)]));
    const [message] = framesOf(reader.next());
    expect(message?.buffer.byteLength).toBeLessThanOrEqual(8192);
  });

  it("a command between the frames of a message leaves the message whole", () => {
    const reader = new FrameReader(LIMITS);
    reader.push(Buffer.concat([frame(MORE, patterned(1)), frame(COMMAND, patterned(4)), frame(0, patterned(2))]));
    expect(reader.next()).toBeInstanceOf(CommandFrame);
    expect(reader.next()).toEqual([patterned(1), patterned(2)]);
  });

  it("ignores reserved flags", () => {
    const reader = new FrameReader(LIMITS);
    reader.push(Uint8Array.of(0xf8, 1, 42));
    expect(reader.next()).toEqual([Uint8Array.of(42)]);
  });
});

describe("limits of the frame reader", () => {
  const headerOf = (length: bigint) => {
    const header = Buffer.alloc(9);
    header[0] = 2;
    header.writeBigUInt64BE(length, 1);
    return header;
  };

  it("an announced length takes no memory: 16 times what has arrived at most", () => {
    const reader = new FrameReader({ ...LIMITS, maxMessageBytes: 2 ** 30 });
    reader.push(headerOf(2n ** 30n));
    expect(reader.next()).toBeUndefined();
    const before = process.memoryUsage().arrayBuffers;
    let arrived = 0;
    for (let round = 0; round < 100; round += 1) {
      const space = reader.space() ?? new Uint8Array(0);
      const count = Math.min(space.length, 10_000);
      reader.filled(count);
      arrived += count;
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * Math.max(arrived, 65_536) + 100_000);
    }
  });

  it.each([
    ["2^62 bytes", headerOf(2n ** 62n)],
    ["2^63 bytes", headerOf(2n ** 63n)],
    ["2^40 bytes, too much to skip", headerOf(2n ** 40n)],
    ["a command of 1001 bytes", Buffer.from([COMMAND | 2, 0, 0, 0, 0, 0, 0, 3, 233])],
    ["a command with MORE", Buffer.from([COMMAND | MORE, 0])],
    ["17 frames", Buffer.alloc(34, Buffer.from([MORE, 0]))],
  ])("%s: an error at the header", (_, header) => {
    const reader = new FrameReader(LIMITS);
    reader.push(header);
    expect(() => reader.next()).toThrow(expect.objectContaining({ name: "ProtocolError" }));
  });

  it("a message above the limit is skipped, whichever frame exceeds it, and the next one is read", () => {
    for (const frames of [[1001], [500, 501], [0, 1001, 3], [1001, 0], [0, 0, 1001]]) {
      const items = [{ frames: frames.map(patterned) }, { frames: [patterned(1000)] }];
      for (const cut of [1, 2, 3, 11, 400, 600, 900]) {
        const stream = written(items);
        const reader = new FrameReader({ ...LIMITS, maxMessageBytes: 1000 });
        expect(take(reader, [stream.subarray(0, cut), stream.subarray(cut)])).toEqual([TOO_LARGE, [patterned(1000)]]);
      }
    }
  });

  it("where skipping is off, a message above the limit is an error", () => {
    const reader = new FrameReader({ ...LIMITS, maxMessageBytes: 1000 });
    reader.skipsTooLarge = false;
    reader.push(frame(0, patterned(1001)));
    expect(() => reader.next()).toThrow("It sent a message above 1000 bytes.");
  });
});

/** Writes again what was read, and compares bytes: comparing large arrays one by one takes minutes. */
function expectSame(items: readonly Item[], stream: Uint8Array): void {
  expect(Buffer.compare(written(items), stream)).toBe(0);
}

function framesOf(arrival: Arrival | undefined): readonly Uint8Array[] {
  return Array.isArray(arrival) ? arrival : [];
}

/** Bytes that differ along the way and with the length. */
function patterned(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + length + (index >> 8)) & 0xff);
}

function written(items: readonly Item[]): Uint8Array {
  return Buffer.concat(
    items.flatMap((item) =>
      "command" in item
        ? [frame(COMMAND, item.command)]
        : item.frames.map((bytes, index) => frame(index < item.frames.length - 1 ? MORE : 0, bytes)),
    ),
  );
}

function pieces(stream: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => Math.floor(place * stream.length)).sort((a, b) => a - b), stream.length];
  return cuts.slice(1).map((end, index) => stream.subarray(cuts[index] ?? 0, end));
}

function read(chunks: readonly Uint8Array[]): Item[] {
  return take(new FrameReader(LIMITS), chunks).map(itemOf);
}

function itemOf(arrival: Arrival): Item {
  if (arrival instanceof CommandFrame) {
    return { command: arrival.body };
  }
  return { frames: framesOf(arrival) };
}

/** Takes what arrives, with chunks in memory that is used again, and leaves some unread now and then. */
function take(reader: FrameReader, chunks: readonly Uint8Array[]): Arrival[] {
  const arrivals: Arrival[] = [];
  const memory = new Uint8Array(Math.max(0, ...chunks.map(({ length }) => length)));
  for (const [index, chunk] of chunks.entries()) {
    memory.set(chunk);
    reader.push(memory.subarray(0, chunk.length));
    const leavesRest = index % 3 === 1;
    for (let arrival = reader.next(); arrival !== undefined; arrival = leavesRest ? undefined : reader.next()) {
      arrivals.push(arrival);
    }
    reader.keepRest();
    memory.fill(0xee);
  }
  for (let arrival = reader.next(); arrival !== undefined; arrival = reader.next()) {
    arrivals.push(arrival);
  }
  return arrivals;
}

/** Reads as a socket does: into the reader's space where it offers one, else into memory that is used again. */
function readDirectly(stream: Uint8Array, random: () => number): Item[] {
  const reader = new FrameReader(LIMITS);
  const memory = new Uint8Array(65_536);
  const items: Item[] = [];
  for (let at = 0; at < stream.length; ) {
    const space = reader.space();
    const target = space ?? memory;
    const count = Math.min(1 + Math.floor(random() * target.length), stream.length - at);
    target.set(stream.subarray(at, at + count));
    at += count;
    if (space === undefined) {
      reader.push(memory.subarray(0, count));
    } else {
      reader.filled(count);
    }
    for (let arrival = reader.next(); arrival !== undefined; arrival = reader.next()) {
      items.push(itemOf(arrival));
    }
    memory.fill(0xee);
  }
  return items;
}
