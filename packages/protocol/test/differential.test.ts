// The codec against @msgpack/msgpack, which shares no code with its hot path. CODEC_RUNS sets the number of cases.

import { Decoder, decode, decodeTimestampToTimeSpec, Encoder, ExtData, ExtensionCodec } from "@msgpack/msgpack";
import fc from "fast-check";
import { expect, it } from "vitest";
import { MalformedMessageError, SerializationError } from "../src/errors/index.js";
import { createCodec, type Message } from "../src/index.js";
import { vectorFiles } from "./vectors.js";
import { fromHex, RESPONSE_PREFIX, resultHex, toHex } from "./wire.js";

const numRuns = Number(process.env.CODEC_RUNS ?? 20_000);
/** The library has no limit of depth, and some vectors are too deep for the usual one. */
const codec = createCodec({ limits: { maxDepth: 1000 } });

const anything = fc.anything({
  key: fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom("1", "toString", "\ud800")),
  values: [
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.string(),
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
    fc.constantFrom(4096, 4097).map((length) => "é".repeat(length)),
    fc.constantFrom(2048, 2049).map((length) => new Uint8Array(length).fill(5)),
    fc.uint8Array({ maxLength: 300 }),
    fc.date({ noInvalidDate: true }),
    fc.constantFrom(null, true, false, undefined),
  ],
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  maxDepth: 4,
});

/** What the library must be given, to write what the table of values says. */
function sendable(value: unknown): unknown {
  if (typeof value === "number") {
    const isWide = Number.isSafeInteger(value) && (value > 2 ** 32 - 1 || value < -(2 ** 31));
    return isWide ? BigInt(value) : Number.isFinite(value) ? value : null;
  }
  if (typeof value === "bigint") {
    return value >= -(2 ** 31) && value < 2 ** 32 ? Number(value) : value;
  }
  if (typeof value === "string") {
    return value.toWellFormed();
  }
  if (typeof value !== "object" || value === null || value instanceof Date || value instanceof Uint8Array) {
    return value;
  }
  if (Array.isArray(value) || value instanceof Set) {
    return Array.from(value as Iterable<unknown>, sendable);
  }
  const entries = value instanceof Map ? Object.entries(Object.fromEntries(value)) : Object.entries(value);
  const map = Object.create(null) as Record<string, unknown>;
  for (const [key, field] of entries) {
    map[key.toWellFormed()] = sendable(field);
  }
  return map;
}

it("[VAL-1] [VAL-17] writes the bytes that the library writes", () => {
  const library = new Encoder({ useBigInt64: true, ignoreUndefined: true });
  let written = 0;
  fc.assert(
    fc.property(anything, (value) => {
      let hex: string;
      try {
        hex = resultHex([value]);
      } catch (error) {
        // Keys of a Map that are objects.
        expect(error).toBeInstanceOf(SerializationError);
        return;
      }
      written++;
      expect(hex).toBe(toHex(library.encode([sendable(value)])));
    }),
    { numRuns: numRuns / 4 },
  );
  expect(written).toBeGreaterThan(numRuns / 8);
});

/** No peer knows it; the library refuses `__proto__`. */
const PROTO = "__proto__ stand-in";
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads all text as bytes. */
function reader(): Decoder {
  const extensionCodec = new ExtensionCodec();
  extensionCodec.register({
    type: 0,
    encode: () => null,
    decode: (data) => (data.length === 1 && data[0] === 0 ? null : new ExtData(0, data)),
  });
  extensionCodec.register({
    type: -1,
    encode: () => null,
    decode: (data) => {
      const { sec, nsec } = decodeTimestampToTimeSpec(data);
      const date = new Date(sec * 1000 + Math.floor(nsec / 1e6));
      return Number.isNaN(date.getTime()) ? new ExtData(-1, data) : date;
    },
  });
  const keyText = (bytes: Uint8Array, start: number, length: number): string => {
    const key = utf8.decode(bytes.subarray(start, start + length));
    return key === "__proto__" ? PROTO : key;
  };
  return new Decoder({
    useBigInt64: true,
    rawStrings: true,
    // The library allocates what is announced; no message here has so many bytes.
    maxArrayLength: 1000,
    extensionCodec,
    keyDecoder: { canBeCached: () => true, decode: keyText },
    mapKeyConverter: (key) => {
      if (typeof key === "object" && key !== null) {
        throw new RangeError("a key");
      }
      return String(key);
    },
  });
}

/** Whether the codec read what the library read. */
function isSame(ours: unknown, theirs: unknown): boolean {
  if (theirs instanceof Uint8Array) {
    return typeof ours === "string"
      ? ours === utf8.decode(theirs)
      : ours instanceof Uint8Array && Buffer.compare(ours, theirs) === 0;
  }
  if (typeof theirs === "bigint") {
    return ours === (Number.isSafeInteger(Number(theirs)) ? Number(theirs) : theirs);
  }
  if (typeof theirs !== "object" || theirs === null || theirs instanceof Date) {
    return theirs instanceof Date ? theirs.getTime() === (ours as Date).getTime() : Object.is(ours, theirs);
  }
  if (theirs instanceof ExtData) {
    return ours instanceof ExtData && ours.type === theirs.type && isSame(ours.data, theirs.data);
  }
  const map = theirs as Record<string, unknown>;
  const keys = Object.keys(map);
  const ourKeys = Object.keys(ours as object).map((key) => (key === "__proto__" ? PROTO : key));
  return (
    Array.isArray(ours) === Array.isArray(theirs) &&
    keys.length === ourKeys.length &&
    keys.every((key) => {
      const field = Object.getOwnPropertyDescriptor(ours, key === PROTO ? "__proto__" : key);
      return field !== undefined && isSame(field.value, map[key]);
    })
  );
}

let library = reader();

/** Decodes with both. Returns whether the codec read it. Throws where they differ. */
function compare(bytes: Uint8Array): boolean {
  let theirs: unknown;
  try {
    theirs = library.decode(bytes);
  } catch {
    library = reader();
    theirs = undefined;
  }
  const ours = readOrRefuse(bytes);
  if (ours instanceof MalformedMessageError) {
    // What the library reads, the codec refuses for what it is, not for how it is written.
    if (theirs !== undefined && ours.message.includes("cannot be read")) {
      throw new Error(`Only the library reads ${toHex(bytes)}.`);
    }
    return false;
  }
  const fields = (theirs ?? {}) as Record<string, unknown>;
  for (const [name, read] of Object.entries(ours)) {
    // An argument that was not given is nil for the library.
    const field = name === "args" ? (read as unknown[]).map((item) => (item === undefined ? null : item)) : read;
    if (theirs === undefined || (name in fields && !isSame(field, fields[name]) && !isReplaced(name, fields))) {
      throw new Error(`The library reads '${name}' otherwise: ${toHex(bytes)}`);
    }
  }
  return true;
}

function readOrRefuse(bytes: Uint8Array): Message | MalformedMessageError {
  try {
    return codec.decode(bytes);
  } catch (error) {
    if (error instanceof MalformedMessageError) {
      return error;
    }
    throw error;
  }
}

/** Fields of another type than stated count as absent. */
function isReplaced(name: string, fields: Record<string, unknown>): boolean {
  const value = fields[name];
  return name === "timestamp"
    ? typeof value !== "number"
    : ["id", "namespace", "client_name", "function", "error", "output"].includes(name)
      ? !(value instanceof Uint8Array)
      : name === "args" && !Array.isArray(value);
}

/** More heads than bytes of other kinds, and short lengths. */
const byte = fc.oneof(
  fc.integer({ min: 0x80, max: 0xdf }),
  fc.nat(255),
  fc.constantFrom(0, 1, 2, 0x81, 0x92, 0xa1, 0xcf, 0xd3, 0xd6, 0xd9, 0xff),
);

it("[LIM-4] reads of any bytes what the library reads, and refuses what it refuses", () => {
  let read = 0;
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 16 }), (bytes) => {
      compare(Uint8Array.from(bytes));
      const filled = [...fromHex(RESPONSE_PREFIX), ...bytes];
      // What is read of the random bytes may be shorter than they are.
      for (let end = filled.length; end > filled.length - Math.min(bytes.length, 8); end--) {
        if (compare(Uint8Array.from(filled.slice(0, end)))) {
          read++;
          break;
        }
      }
    }),
    { numRuns: numRuns / 4 },
  );
  expect(read).toBeGreaterThan(numRuns / 40);
});

it("[LIM-4] reads of the vectors with some bytes changed what the library reads", () => {
  const vectors = Object.values(vectorFiles())
    .flat()
    .map(({ hex }) => fromHex(hex))
    .filter((bytes) => bytes.length < 1000);
  const changes = fc.array(fc.tuple(fc.nat(), byte), { maxLength: 3 });
  fc.assert(
    fc.property(fc.constantFrom(...vectors), changes, fc.option(fc.nat(), { freq: 4 }), (vector, changed, cut) => {
      const bytes = vector.slice(0, cut === null ? vector.length : cut % (vector.length + 1));
      for (const [place, value] of changed) {
        bytes[place % bytes.length] = value;
      }
      compare(bytes);
    }),
    { numRuns },
  );
  expect(Object.keys(Object.prototype)).toEqual([]);
});

it("[LIM-4] finds a fault in every message that lacks a byte or has one too many", () => {
  fc.assert(
    fc.property(anything, (value) => {
      let bytes: Uint8Array;
      try {
        bytes = codec.encode({ type: "response", id: "i", timestamp: 0.5, result: value });
      } catch {
        return;
      }
      // The library refuses `__proto__`.
      if (!toHex(bytes).includes(toHex(new TextEncoder().encode("__proto__")))) {
        expect(decode(bytes, { useBigInt64: true })).toBeDefined();
      }
      expect(() => codec.decode(bytes.subarray(0, -1))).toThrow(/too early|more items than it has bytes/);
      expect(() => codec.decode(new Uint8Array([...bytes, 0]))).toThrow("1 bytes too many");
    }),
    { numRuns: numRuns / 40 },
  );
});
