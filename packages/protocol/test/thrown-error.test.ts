import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { createCodec, createError, describeThrown, type ErrorMessage, type ErrorParts } from "../src/index.js";

/** The parts as they arrive, without stacks unless they are asked for. */
function described(thrown: unknown): ErrorParts {
  const codec = createCodec();
  const message = codec.decode(codec.encode(createError("i", describeThrown(thrown)))) as ErrorMessage;
  return withoutStacks(message.metadata?.error as ErrorParts);
}

function withoutStacks({ stack, cause, errors, ...parts }: ErrorParts): ErrorParts {
  return {
    ...parts,
    ...(cause && { cause: withoutStacks(cause) }),
    ...(errors && { errors: errors.map(withoutStacks) }),
  };
}

function fail(): never {
  throw new Error("in the getter");
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

class NoName extends Error {}
class Deeper extends NoName {}
class OfType extends TypeError {}
class Failure {
  status = 404;
}
const inherited = Object.assign(Object.create({ name: "Renamed" }, {}), { message: "m" });

describe("a thrown error", () => {
  it("[MSG-9] [ERR-1] has its name, message, code and stack", () => {
    const error = Object.assign(new RangeError("too far"), { code: "E_FAR", stack: "the stack" });
    const parts = { name: "RangeError", message: "too far", code: "E_FAR", stack: "the stack" };
    expect(describeThrown(error)).toStrictEqual(parts);
  });

  it.each([
    ["an integer", 5, { code: 5 }],
    ["text", "E", { code: "E" }],
    ["any other number", 5.5, { data: { code: 5.5 } }],
    ["an object", { a: 1 }, { data: { code: { a: 1 } } }],
    ["a function", fail, {}],
  ])("[ERR-1] with %s as its code", (_what, code, parts) => {
    expect(described(Object.assign(new Error("m"), { code }))).toStrictEqual({ name: "Error", message: "m", ...parts });
  });

  it.each([
    ["its class, which sets none", new NoName("m"), "NoName"],
    ["the class at the end of several that set none", new Deeper("m"), "Deeper"],
    ["a class that extends a built-in one", new OfType("m"), "OfType"],
    ["a built-in class", new RangeError("m"), "RangeError"],
    ["the name that was set on it", Object.assign(new NoName("m"), { name: "Own" }), "Own"],
    ["the name that its prototype sets", inherited, "Renamed"],
    ["its class, where its name is no text", Object.assign(new NoName("m"), { name: "" }), "NoName"],
    ["a DOMException", new DOMException("m", "AbortError"), "AbortError"],
    ["a class without a name", new (class extends Error {})("m"), "Error"],
    ["an object without prototype", Object.assign(Object.create(null), { message: "m" }), "Error"],
    ["an error of another realm", runInNewContext("class Far extends Error {}; new Far('m')"), "Far"],
  ])("[ERR-2] is named after %s", (_what, thrown, name) => {
    expect(describeThrown(thrown)).toMatchObject({ name, message: "m" });
  });

  it("[ERR-3] has its causes, of which one may be anything", () => {
    const error = new Error("a", { cause: new NoName("b", { cause: { status: 404 } }) });
    expect(described(error)).toStrictEqual({
      name: "Error",
      message: "a",
      cause: {
        name: "NoName",
        message: "b",
        cause: { name: "Error", message: '{"status":404}', data: { status: 404 } },
      },
    });
    for (const cause of [null, undefined]) {
      expect(described(new Error("m", { cause }))).toStrictEqual({ name: "Error", message: "m" });
    }
  });

  it("[ERR-3] has the errors of an AggregateError, also of another realm", () => {
    const code = "new AggregateError([new TypeError('a'), 'b'], 'm')";
    for (const thrown of [new AggregateError([new TypeError("a"), "b"], "m"), runInNewContext(code)]) {
      expect(described(thrown)).toStrictEqual({
        name: "AggregateError",
        message: "m",
        errors: [
          { name: "TypeError", message: "a" },
          { name: "Error", message: "b" },
        ],
      });
    }
  });

  it("[ERR-3] has a field `errors` as errors if all of it is errors, otherwise as data", () => {
    expect(described(Object.assign(new Error("m"), { errors: [new Error("a")] }))).toMatchObject({
      errors: [{ message: "a" }],
    });
    const errors = [{ path: "name" }];
    expect(described(Object.assign(new Error("m"), { errors }))).toMatchObject({ data: { errors } });
  });

  it("[ERR-3] is described 10 causes deep, and without what contains itself", () => {
    let deep = new Error("0");
    for (let index = 1; index < 1000; index++) {
      deep = new Error(`${index}`, { cause: deep });
    }
    let depth = 0;
    for (let parts = described(deep); parts.cause !== undefined; parts = parts.cause) {
      depth++;
    }
    expect(depth).toBe(10);
    const [first, second] = [new Error("1"), new AggregateError([], "2")];
    first.cause = second;
    second.errors = [first, second, new Error("3")];
    expect(described(first)).toMatchObject({ message: "1", cause: { message: "2", errors: [{ message: "3" }] } });
  });

  it("[ERR-3] has at most 100 errors in it", () => {
    const errors = Array.from({ length: 10_000 }, () => new AggregateError([new Error("m"), new Error("n")]));
    const count = (parts: ErrorParts): number => 1 + (parts.errors ?? []).reduce((sum, part) => sum + count(part), 0);
    expect(count(described(new AggregateError(errors)))).toBe(100);
  });

  it("[ERR-4] has its own fields that can be sent as data", () => {
    const thrown = Object.assign(new NoName("m"), {
      status: 404,
      details: { id: 7, when: new Date(0) },
      bytes: new Uint8Array([1, 2]),
      nothing: null,
      absent: undefined,
      callback: fail,
      deep: { callback: fail },
      promise: Promise.resolve(),
      big: 2n ** 70n,
    });
    Object.defineProperty(thrown, "hidden", { value: 1 });
    Object.defineProperty(thrown, "unreadable", { enumerable: true, get: fail });
    Object.assign(thrown, { itself: thrown.details, cycle: { thrown: [] as unknown[] } });
    Object.assign(Reflect.get(thrown, "cycle"), { cycle: Reflect.get(thrown, "cycle") });
    expect(described(thrown)).toStrictEqual({
      name: "NoName",
      message: "m",
      data: {
        status: 404,
        details: { id: 7, when: new Date(0) },
        bytes: new Uint8Array([1, 2]),
        nothing: null,
        itself: { id: 7, when: new Date(0) },
      },
    });
  });

  it("[ERR-4] has fields named like members of Object as data", () => {
    const fields = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2, "toString": 3, "hasOwnProperty": 4}');
    const thrown = new Error("m");
    for (const key of Object.keys(fields)) {
      Object.defineProperty(thrown, key, { value: fields[key], enumerable: true });
    }
    expect(JSON.stringify(described(thrown))).toBe(JSON.stringify({ name: "Error", message: "m", data: fields }));
  });

  it("[ERR-4] has at most 64 KiB of data, and the fields of 100", () => {
    const large = { large: "x".repeat(65_536), fits: "y".repeat(60_000), more: "z".repeat(6_000), small: 1 };
    const cause = Object.assign(new Error("c"), { alsoLarge: "x".repeat(60_000) });
    const { data, cause: sent } = described(Object.assign(new Error("m", { cause }), large));
    expect([Object.keys(data ?? {}), Object.keys(sent?.data ?? {})]).toStrictEqual([["small"], ["alsoLarge"]]);
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`f${index}`, index]));
    expect(Object.keys(described(Object.assign(new Error("m"), many)).data ?? {})).toHaveLength(100);
  });

  it("[ERR-6] has at most 256 Ki characters of stack and message, 16 Ki in a cause, without their middle", () => {
    const long = { message: `a${"m".repeat(1e7)}z`, stack: `a${"s".repeat(1e7)}z` };
    const parts = describeThrown({ ...long, name: "N".repeat(1e6), cause: long });
    for (const [text, length] of [
      [parts.stack, 256 * 1024],
      [parts.message, 256 * 1024],
      [parts.cause?.stack, 16 * 1024],
      [parts.cause?.message, 16 * 1024],
    ] as const) {
      expect(text).toHaveLength(length + 7);
      expect(text).toMatch(/^a[ms]+\n\[\.\.\.\]\n[ms]+z$/);
    }
    expect(parts.name).toHaveLength(1000);
    expect(describeThrown({ message: "m", code: "c".repeat(1001) })).not.toHaveProperty("code");
  });
});

describe("a thrown value that is no error", () => {
  const unreadable = "The method threw a value that cannot be read.";
  const rows: [title: string, thrown: unknown, message: string, more?: Partial<ErrorParts>][] = [
    ["text", "just text", "just text"],
    ["a number", 5, "5"],
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["a bigint", 5n, "5"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    ["a function", fail, "[Function: fail]"],
    ["a class", NoName, "[Function: NoName]"],
    ["a function without a name", (() => () => {})(), "[Function]"],
    ["a plain object", { status: 404 }, '{"status":404}', { data: { status: 404 } }],
    ["an object with a code", { code: 7, a: 1 }, '{"code":7,"a":1}', { code: 7, data: { a: 1 } }],
    ["an empty object", {}, "{}"],
    ["an object of a class", new Failure(), '{"status":404}', { name: "Failure", data: { status: 404 } }],
    ["an object of a class without fields", new (class Empty {})(), "[Empty]", { name: "Empty" }],
    ["an array", [1, "a"], '[1,"a"]'],
    ["an array part of which cannot be sent", [1, { a: 1 }, fail], '[1,{"a":1},null]'],
    ["a large array", new Array(1e6).fill({ a: 1 }), JSON.stringify(new Array(100).fill({ a: 1 }))],
    ["a Map of what cannot be sent", new Map([[{}, 1]]), "[Map]", { name: "Map" }],
    ["a Map", new Map([["a", 1]]), '{"a":1}', { name: "Map" }],
    ["a Date", new Date(0), '"1970-01-01T00:00:00.000Z"', { name: "Date" }],
    ["bytes", new Uint8Array([1, 2]), "[1,2]", { name: "Uint8Array" }],
    ["a RegExp", /x+/g, "/x+/g", { name: "RegExp" }],
    ["an object with a message", { message: "m", status: 1 }, "m", { data: { status: 1 } }],
    ["an object whose message is an object", { message: { a: 1 } }, '{"a":1}'],
    ["an object whose message is a number", { message: 5 }, "5"],
    ["an object with a bigint", { n: 2n ** 63n }, '{"n":"9223372036854775808"}', { data: { n: 2n ** 63n } }],
    ["an object part of which cannot be sent", { a: 1, f: fail }, '{"a":1}', { data: { a: 1 } }],
    ["an object without prototype", Object.create(null), "{}"],
    ["an object whose toString throws", { toString: fail }, unreadable],
    ["an object whose toJSON throws", { toJSON: fail, a: 1 }, '{"a":1}', { data: { a: 1 } }],
    ["an object whose name is no text", { name: 5, message: "m" }, "m"],
    ["a proxy that throws", new Proxy({}, { get: fail, ownKeys: fail, has: fail }), unreadable],
    ["a revoked proxy", revoked(), unreadable],
    ["a frozen error", Object.freeze(new NoName("m")), "m", { name: "NoName" }],
    ["an error whose stack throws", Object.defineProperty(new Error("m"), "stack", { get: fail }), "m"],
    [
      "an error whose message throws",
      Object.defineProperty(new NoName(), "message", { get: fail }),
      unreadable,
      { name: "NoName" },
    ],
    ["an error whose name throws", Object.defineProperty(new Error("m"), "name", { get: fail }), "m"],
    ["an error with a revoked proxy", Object.assign(new Error("m"), { a: revoked() }), "m"],
  ];

  it.each(rows)("[ERR-5] %s is readable, and can be sent", (_title, thrown, message, more = {}) => {
    const parts = described(thrown);
    expect(parts).toMatchObject({ name: "Error", message, ...more });
    expect(Object.keys(parts).sort()).toEqual(expect.arrayContaining(["message", "name", ...Object.keys(more)].sort()));
    expect(JSON.stringify(parts, (_key, value) => (typeof value === "bigint" ? `${value}` : value))).not.toContain(
      "[object ",
    );
  });

  it("[ERR-5] a revoked proxy as the cause is left readable", () => {
    expect(described(new Error("m", { cause: revoked() }))).toMatchObject({ cause: { message: unreadable } });
  });
});
