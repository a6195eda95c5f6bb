import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MalformedMessageError, MultifrostError, SerializationError } from "../src/errors/index.js";
import { createCodec, type MessageLimits } from "../src/index.js";
import { echo, roundTrip, thrownBy } from "./wire.js";

/** A value to send, and what is to come back of it: the value table, written a second time and by its other column. */
interface Sent {
  readonly sent: unknown;
  readonly back: unknown;
}

const same = (value: unknown): Sent => ({ sent: value, back: value });

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 20 }),
  fc.string({ minLength: 190, maxLength: 300 }).map((long) => `\ufeff${long}`),
  fc.constantFrom("", "__proto__", "constructor", "\ufeff"),
);
const key = fc.oneof(text, fc.constantFrom("__proto__", "toString", "1", "0", "id", "type"));

const integer = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.constantFrom(2 ** 32 - 1, 2 ** 32, -(2 ** 31), -(2 ** 31) - 1),
);
const leaf: fc.Arbitrary<Sent> = fc.oneof(
  integer.map(same),
  fc.double().map((sent) => ({ sent, back: Number.isFinite(sent) ? sent + 0 : null })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map((sent) => {
    const isSafe = sent >= Number.MIN_SAFE_INTEGER && sent <= Number.MAX_SAFE_INTEGER;
    return { sent, back: isSafe ? Number(sent) : sent };
  }),
  text.map((sent) => ({ sent, back: sent.toWellFormed() })),
  fc.uint8Array({ maxLength: 300 }).map(same),
  fc.uint8Array({ maxLength: 40 }).map((back) => ({ sent: Buffer.from(back), back })),
  fc.uint8Array({ maxLength: 40 }).map((back) => ({ sent: back.slice().buffer, back })),
  fc.float64Array({ maxLength: 5 }).map((sent) => ({ sent, back: new Uint8Array(sent.slice().buffer) })),
  fc.date({ noInvalidDate: true }).map(same),
  fc.constantFrom(null, true, false).map(same),
);

/** The fields as pairs; of equal keys the last. A pair set to `undefined` is left out. */
function fieldsOf(pairs: readonly (readonly [string, Sent | undefined])[]): Sent & { map: Map<string, unknown> } {
  const map = new Map<string, unknown>();
  const back = new Map<string, unknown>();
  for (const [name, field] of pairs) {
    map.set(name, field?.sent);
  }
  for (const [name, field] of new Map(pairs)) {
    if (field !== undefined) {
      back.set(name.toWellFormed(), field.back);
    }
  }
  return { map, sent: Object.fromEntries(map), back: Object.fromEntries(back) };
}

const values = fc.letrec<{ value: Sent }>((tie) => {
  const item = fc.option(tie("value"), { nil: undefined });
  const pairs = fc.uniqueArray(fc.tuple(key, item), { maxLength: 6, selector: ([name]) => name.toWellFormed() });
  const list = fc.array(item, { maxLength: 6 });
  const array = list.map((items) => ({
    sent: items.map((one) => one?.sent),
    back: items.map((one) => one?.back ?? null),
  }));
  return {
    value: fc.oneof(
      { maxDepth: 5, depthSize: "small" },
      leaf,
      array,
      list.map((items) => {
        const back = new Map(items.map((one) => [one?.sent, one?.back ?? null]));
        return { sent: new Set(back.keys()), back: [...back.values()] };
      }),
      pairs.map(fieldsOf),
      pairs.map(fieldsOf).map(({ map, back }) => ({ sent: map, back })),
    ),
  };
}).value;

/** Own fields in no order, with `__proto__` among them, which `toStrictEqual` does not look at. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return value;
  }
  return new Map(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}

describe("any value", () => {
  it("[VAL-1] [VAL-2] [VAL-4] [VAL-6] [VAL-7] [VAL-12] [VAL-13] arrives as the table says, as a result", () => {
    fc.assert(
      fc.property(values, ({ sent, back }) => {
        expect(plain(roundTrip(sent))).toStrictEqual(plain(back));
      }),
      { numRuns: 2000 },
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it("arrives as an argument, and twice in one message", () => {
    fc.assert(
      fc.property(values, ({ sent, back }) => {
        const call = {
          type: "call",
          id: "i",
          timestamp: 0.5,
          function: "f",
          args: [sent, sent],
          namespace: "n",
        } as const;
        expect(plain(echo(call).args)).toStrictEqual([plain(back), plain(back)]);
      }),
      { numRuns: 500 },
    );
  });

  it("arrives the same after a second round trip", () => {
    fc.assert(
      fc.property(values, ({ sent }) => {
        const once = roundTrip(sent);
        expect(plain(roundTrip(once))).toStrictEqual(plain(once));
      }),
      { numRuns: 500 },
    );
  });

  it("[VAL-15] [LIM-2] of any kind is sent or refused with a SerializationError", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withBoxedValues: true,
      withNullPrototype: true,
      withObjectString: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        try {
          echo({ type: "response", id: "i", timestamp: 0.5, result: value });
        } catch (error) {
          expect(error).toBeInstanceOf(SerializationError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("limits", () => {
  const limits: fc.Arbitrary<Partial<MessageLimits>> = fc.record({
    maxStringBytes: fc.integer({ min: 40, max: 300 }),
    maxBinaryBytes: fc.integer({ min: 1, max: 300 }),
    maxArrayLength: fc.integer({ min: 1, max: 6 }),
    maxMapLength: fc.integer({ min: 10, max: 12 }),
    maxValues: fc.integer({ min: 1, max: 150 }),
    maxObjects: fc.integer({ min: 1, max: 60 }),
    maxDepth: fc.integer({ min: 1, max: 8 }),
    maxMessageBytes: fc.integer({ min: 100, max: 3000 }),
  });

  it("[LIM-2] decoding accepts what encoding with the same limits accepts", () => {
    let sentCount = 0;
    fc.assert(
      fc.property(values, values, limits, ({ sent }, metadata, bounds) => {
        const codec = createCodec({ limits: bounds });
        let bytes: Uint8Array;
        try {
          const call = { type: "call", id: "i", timestamp: 0.5, function: "f", args: [sent], namespace: "n" } as const;
          bytes = codec.encode({ ...call, metadata: { metadata: metadata.sent } });
        } catch (error) {
          expect(error).toBeInstanceOf(SerializationError);
          return;
        }
        sentCount++;
        expect(codec.decode(bytes).type).toBe("call");
      }),
      { numRuns: 3000 },
    );
    expect(sentCount).toBeGreaterThan(100);
  });

  it("a codec has its app id and its limits, with defaults filled in", () => {
    const codec = createCodec({ app: "mine", limits: { maxDepth: 3 } });
    expect(codec).toMatchObject({ app: "mine", limits: { maxDepth: 3, maxValues: 4_000_000 } });
    expect(createCodec().app).toBe("comlink_ipc_v3");
  });

  it("[LIM-1] refuses an invalid limit", () => {
    const error = thrownBy(() => createCodec({ limits: { maxDepth: 0 } }), MultifrostError);
    expect(error.code).toBe("INVALID_OPTION");
  });

  it("[MSG-1] codecs with different app ids do not read each other", () => {
    const mine = createCodec({ app: "mine" });
    const bytes = mine.encode({ type: "ready", id: "i", timestamp: 0.5 });
    expect(mine.decode(bytes).type).toBe("ready");
    expect(thrownBy(() => createCodec().decode(bytes), MalformedMessageError).code).toBe("FOREIGN_APP");
  });
});
