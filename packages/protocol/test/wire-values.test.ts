import { describe, expect, it } from "vitest";
import { SerializationError } from "../src/errors/index.js";
import { completeLimits, type MessageLimits } from "../src/limits.js";
import { WireValues } from "../src/wire-values.js";
import { nested, thrownBy } from "./wire.js";

function send(value: unknown, limits?: Partial<MessageLimits>): unknown {
  return new WireValues(completeLimits(limits)).convert(value, "args");
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
    ["a function", () => 1, "function cannot be sent"],
    ["a class", class A {}, "function cannot be sent"],
    ["a symbol", Symbol("s"), "symbol cannot be sent"],
    ["a promise", Promise.resolve(1), "Promise cannot be sent; await it first"],
    ["a WeakMap", new WeakMap(), "WeakMap cannot be sent"],
    ["a WeakSet", new WeakSet(), "WeakSet cannot be sent"],
    ["a WeakRef", new WeakRef({}), "WeakRef cannot be sent"],
    ["a Map with objects as keys", new Map([[{}, 1]]), "a Map whose key is of type object cannot be sent"],
    ["a Map with symbols as keys", new Map([[Symbol("s"), 1]]), "a Map whose key is of type symbol cannot be sent"],
    ["a Map with functions as keys", new Map([[() => 1, 1]]), "a Map whose key is of type function cannot be sent"],
  ];

  it.each(rows)("[VAL-15] %s", (_title, value, message) => {
    expect(refusal(value).message).toBe(`args[0].field: ${message}. Nothing was sent.`);
  });

  it("[VAL-15] the example of the specification: a callback among the arguments", () => {
    const error = thrownBy(() => send([{ cb: () => {} }]), SerializationError);
    expect(error.message).toBe("args[0].cb: function cannot be sent. Nothing was sent.");
  });

  it.each([2n ** 64n, -(2n ** 63n) - 1n, 10n ** 100n])("[VAL-5] %s", (value) => {
    expect(refusal(value).message).toBe(
      "args[0].field: bigint beyond 64 bits cannot be sent; send it as a string. Nothing was sent.",
    );
  });

  it("[VAL-8] an invalid Date", () => {
    expect(refusal(new Date(Number.NaN)).message).toBe("args[0].field: invalid Date cannot be sent. Nothing was sent.");
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
    expect(send([shared, [shared], shared])).toEqual([shared, [shared], shared]);
  });

  it("[VAL-16] a value that is too deep", () => {
    const error = thrownBy(() => send(nested(101)), SerializationError);
    expect(error.code).toBe("LIMIT_EXCEEDED");
    expect(error.message).toBe(
      `args${"[0]".repeat(100)}: more than 100 levels of arrays and maps (limits.maxDepth). Nothing was sent.`,
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
  it("are not copied if they need no change", () => {
    const value = [1, "a", { b: [null, true, 0.5, new Date(0)], c: {} }];
    expect(send(value)).toBe(value);
  });

  it("are copied if they need a change, and the original is not changed", () => {
    const value = { a: 1, b: [2 ** 40, "\ud800"], c: { d: Number.NaN } };
    const before = structuredClone(value);
    const sent = send(value);
    expect(sent).toEqual({ a: 1, b: [2n ** 40n, "\ufffd"], c: { d: null } });
    expect(value).toEqual(before);
  });

  it("[VAL-13] have __proto__ as a plain field in a copy", () => {
    const sent = send(JSON.parse('{"a": 1, "__proto__": {"b": 4294967296}, "c": 2}')) as object;
    expect(Object.keys(sent)).toEqual(["a", "__proto__", "c"]);
    expect(Object.getPrototypeOf(sent)).toBe(null);
  });

  it("have well-formed keys", () => {
    expect(Object.keys(send({ a: 1, "\ud800": 2 }) as object)).toEqual(["a", "\ufffd"]);
  });

  it("become bigint if they are integers beyond 32 bits", () => {
    const edges = [2 ** 32 - 1, 2 ** 32, -(2 ** 31), -(2 ** 31) - 1, 2 ** 53, 0.5];
    expect(send(edges)).toEqual([2 ** 32 - 1, 2n ** 32n, -(2 ** 31), -(2n ** 31n) - 1n, 2 ** 53, 0.5]);
  });

  it("may be text as large as the limit, in characters of one to four bytes", () => {
    for (const [character, bytes] of [
      ["a", 1],
      ["é", 2],
      ["€", 3],
      ["😀", 4],
    ] as const) {
      const limits = { maxStringBytes: 12 };
      const text = character.repeat(12 / bytes);
      expect(send(text, limits)).toBe(text);
      expect(thrownBy(() => send(`${text}a`, limits), SerializationError).code).toBe("LIMIT_EXCEEDED");
    }
  });

  it("[LIM-2] are counted together for one message", () => {
    const values = new WireValues(completeLimits({ maxValues: 5 }));
    values.convert([1, 2], "args");
    const error = thrownBy(() => values.convert({ a: 1 }, "metadata"), SerializationError);
    expect(error).toMatchObject({ code: "LIMIT_EXCEEDED", path: "metadata.a" });
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
    [["args", "1"], 'args["1"]'],
    [["args", ""], 'args[""]'],
    [["args", "é\n\"'"], 'args["é\\n\\"\'"]'],
    [["args", "__proto__"], "args.__proto__"],
  ])("the path %j is written as in code: %s", ([root, ...path], text) => {
    const values = new WireValues(completeLimits());
    const error = thrownBy(() => values.convert(functionAt(...path), root as string), SerializationError);
    expect(error.path).toBe(text);
    expect(error.message).toBe(`${text}: function cannot be sent. Nothing was sent.`);
  });

  it("[LIM-2] values and bytes are accepted up to their limits", () => {
    const values = new WireValues(completeLimits({ maxValues: 3, maxMessageBytes: 10 }));
    values.convert(["12345"], "args");
    expect(values.bytes).toBe(5);
    values.convert("12345", "result");
    expect(() => values.convert(1, "result")).toThrow("result: more than 3 values in one message (limits.maxValues).");
    const bytes = new WireValues(completeLimits({ maxMessageBytes: 10 }));
    bytes.convert("0123456789", "result");
    const error = thrownBy(() => bytes.convert(["1"], "args"), SerializationError);
    expect(error.code).toBe("MESSAGE_TOO_LARGE");
    expect(error.message).toMatch(/^args\[0\]: more than 10 bytes in one message \(limits\.maxMessageBytes\);/);
  });
});
