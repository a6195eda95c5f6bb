import { describe, expect, it } from "vitest";
import { SerializationError } from "../src/errors/index.js";
import { createCodec, type MessageLimits } from "../src/index.js";
import { nested, resultHex, roundTrip, thrownBy } from "./wire.js";

function send(args: unknown, limits?: Partial<MessageLimits>): Uint8Array {
  const at = { id: "i", timestamp: 0.5, namespace: "default" };
  return createCodec({ limits }).encode({ type: "call", ...at, function: "f", args: args as unknown[] });
}

function refusal(value: unknown): SerializationError {
  const error = thrownBy(() => send([{ field: value }]), SerializationError);
  expect(error.code).toBe("UNSENDABLE_VALUE");
  expect(error.path).toBe("args[0].field");
  return error;
}

function throwing(thrown: unknown): object {
  return Object.defineProperty({}, "a", {
    enumerable: true,
    get() {
      throw thrown;
    },
  });
}

describe("values that cannot be sent", () => {
  const rows: [title: string, value: unknown, message: string][] = [
    ["a function", () => 1, "function cannot be sent; send data, or the name of a method to call"],
    ["a class", class A {}, "function cannot be sent; send data, or the name of a method to call"],
    ["a symbol", Symbol("s"), "symbol cannot be sent; send its description"],
    [
      "a Map with functions as keys",
      new Map([[() => 1, 1]]),
      "a Map whose key is of type function cannot be sent; send its entries in an array: [...map]",
    ],
  ];

  it.each(rows)("[VAL-15] %s", (_title, value, message) => {
    expect(refusal(value).message).toBe(`args[0].field: ${message}. Nothing was sent.`);
  });

  it("[VAL-15] the example of the specification: a callback among the arguments", () => {
    const error = thrownBy(() => send([{ cb: () => {} }]), SerializationError);
    expect(error.message).toBe(
      "args[0].cb: function cannot be sent; send data, or the name of a method to call. Nothing was sent.",
    );
  });

  it.each([2n ** 64n, -(2n ** 63n) - 1n, 10n ** 100n])("[VAL-5] %s", (value) => {
    expect(refusal(value).message).toBe(
      "args[0].field: bigint beyond 64 bits cannot be sent; send it as a string. Nothing was sent.",
    );
  });

  it("[VAL-16] a value that contains itself, directly, through others, in a Map and in a Set", () => {
    const direct: unknown[] = [];
    direct.push(direct);
    const map = new Map<string, unknown>();
    map.set("back", [map]);
    const set = new Set<unknown>();
    set.add(set);
    const paths = [direct, map, set, { a: direct }].map((value) => {
      const error = thrownBy(() => send([value]), SerializationError);
      expect(error.message).toBe(`${error.path}: a value that contains itself cannot be sent. Nothing was sent.`);
      return error.path;
    });
    expect(paths).toEqual(["args[0][0]", "args[0].back[0]", "args[0][0]", "args[0].a[0]"]);
  });

  it("[VAL-16] accepts the same object twice", () => {
    const shared = { a: 1 };
    expect(roundTrip([shared, [shared], shared])).toEqual([shared, [shared], shared]);
  });

  it("[VAL-16] a value that is too deep", () => {
    const error = thrownBy(() => resultHex(nested(101)), SerializationError);
    expect(error.code).toBe("LIMIT_EXCEEDED");
    expect(error.message).toBe(
      `result${"[0]".repeat(100)}: more than 100 levels of arrays and maps (limits.maxDepth). Nothing was sent.`,
    );
  });

  it("[VAL-15] a getter that throws anything, which becomes the cause", () => {
    const reason = new Error("not now");
    const error = thrownBy(() => send([throwing(reason)]), SerializationError);
    expect(error.message).toBe("args[0].a: a value that cannot be read cannot be sent (not now). Nothing was sent.");
    expect(error.cause).toBe(reason);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const thrown of [null, Symbol("s"), Object.create(null), throwing(1), proxy]) {
      expect(thrownBy(() => send([throwing(thrown)]), SerializationError).path).toBe("args[0].a");
    }
  });

  it("[VAL-15] a revoked proxy and transferred bytes", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const moved = new Uint8Array(8);
    structuredClone(moved, { transfer: [moved.buffer] });
    for (const value of [proxy, moved, new Proxy({ a: 1 }, { ownKeys: () => 5 as never })]) {
      expect(refusal(value).message).toContain("a value that cannot be read cannot be sent (");
    }
  });
});

describe("values that can be sent", () => {
  it("are not changed, even if other values go over the wire", () => {
    const value = { a: 1, b: [2 ** 40, "\ud800"], c: { d: Number.NaN }, "\ud800": new Map([[1, undefined]]) };
    const before = structuredClone(value);
    send([value]);
    expect(value).toEqual(before);
  });

  it("[VAL-6] [VAL-12] have well-formed keys, and are refused where keys become equal", () => {
    expect(roundTrip({ a: 1, "\ud800": 2, b: 4 })).toEqual({ a: 1, "\ufffd": 2, b: 4 });
    const equal = thrownBy(() => resultHex({ a: 1, "\ud800": 2, "\udbff": 3 }), SerializationError);
    expect(equal.message).toMatch(/: keys that are equal with U\+FFFD for each lone surrogate cannot be sent\./);
    expect(resultHex({ "\ud800": 2, a: new Uint8Array(3000) })).toMatch(/^82a3efbfbd02a161c50bb8/);
  });

  it.each([15, 16, 17, 0xffff, 0x1_0000, 0x1_0001])(
    "[VAL-10] a map of %i keys and an undefined one is the same on the wire as without that one",
    (length) => {
      const small = Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, index]));
      for (const large of [new Uint8Array(10).fill(1), new Uint8Array(5000).fill(2)]) {
        const [first, last] = [
          { first: undefined, large },
          { also: large, last: undefined },
        ];
        const sent = resultHex([{ ...first, ...small, ...last }, large]);
        expect(sent === resultHex([{ large, ...small, also: large }, large])).toBe(true);
        expect(resultHex({ ...small, gone: undefined }) === resultHex(small)).toBe(true);
      }
    },
  );

  it("[LIM-2] may be text as large as the limit, in characters of one to four bytes", () => {
    for (const [character, bytes] of [
      ["a", 1],
      ["é", 2],
      ["€", 3],
      ["😀", 4],
    ] as const) {
      const limits = { maxStringBytes: 48 };
      const text = character.repeat(48 / bytes);
      expect(roundTrip(text, limits)).toBe(text);
      expect(thrownBy(() => resultHex(`${text}a`, limits), SerializationError).code).toBe("LIMIT_EXCEEDED");
    }
  });

  it("[LIM-2] are counted together for one message, keys and undefined fields included", () => {
    const limits = { maxValues: 9 };
    const at = { id: "i", timestamp: 0.5, namespace: "n" };
    const encode = (metadata: Record<string, unknown>): unknown =>
      createCodec({ limits }).encode({ type: "call", ...at, function: "f", args: [1, 2], metadata });
    encode({ a: undefined });
    const error = thrownBy(() => encode({ a: undefined, b: 1 }), SerializationError);
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED", path: "metadata.b" });
  });

  it("are read once, getters too", () => {
    let looks = 0;
    const value = {
      get a() {
        return looks++ === 0 ? 1 : () => 1;
      },
    };
    expect(resultHex(value)).toBe("81a16101");
    expect(looks).toBe(1);
  });

  it("[VAL-7] are refused if they are binary data that a later getter transfers", () => {
    const moved = new Uint8Array(5000).fill(7);
    const value = {
      moved,
      get later() {
        return structuredClone(1, { transfer: [moved.buffer] });
      },
    };
    expect(thrownBy(() => resultHex(value), SerializationError).message).toBe(
      "Binary data whose memory was transferred before the message was sent cannot be sent. Nothing was sent. " +
        "Transfer it later, or send a copy (slice).",
    );
    expect(resultHex(1)).toBe("01");
  });
});

describe("errors", () => {
  const functionAt = (...path: (string | number)[]): unknown =>
    path.reduceRight<unknown>(
      (value, step) =>
        typeof step === "number" ? Object.assign([0, 0, 0, 0], { [step]: value }) : Object.fromEntries([[step, value]]),
      () => 1,
    );

  it.each<[path: (string | number)[], text: string]>([
    [["result"], "result"],
    [["args", 0, "cb"], "args[0].cb"],
    [["args", 0, "$a_1", 2, 3], "args[0].$a_1[2][3]"],
    [["args", 0, "two words"], 'args[0]["two words"]'],
    [["args", 0, "1"], 'args[0]["1"]'],
    [["args", 0, ""], 'args[0][""]'],
    [["args", 0, "é\n\"'"], 'args[0]["é\\n\\"\'"]'],
    [["args", 0, "__proto__"], "args[0].__proto__"],
  ])("the path %j is written as in code: %s", ([root, ...path], text) => {
    const value = functionAt(...path);
    const run = (): unknown => (root === "result" ? resultHex(value) : send(value));
    const error = thrownBy(run, SerializationError);
    expect(error.path).toBe(text);
    expect(error.message).toBe(
      `${text}: function cannot be sent; send data, or the name of a method to call. Nothing was sent.`,
    );
  });

  it("[LIM-2] values and bytes are accepted up to their limits", () => {
    expect(resultHex(["12345"], { maxValues: 2 })).toBe("91a53132333435");
    expect(thrownBy(() => resultHex(["12345", 1], { maxValues: 2 }), SerializationError).message).toMatch(
      /^result\[1\]: more than 2 values in one message \(limits\.maxValues\)\./,
    );
    const error = thrownBy(() => resultHex([["1".repeat(100)], "1"], { maxMessageBytes: 100 }), SerializationError);
    expect(error.code).toBe("MESSAGE_TOO_LARGE");
    expect(error.message).toMatch(/^result\[1\]: more than 100 bytes in one message \(limits\.maxMessageBytes\);/);
  });
});
