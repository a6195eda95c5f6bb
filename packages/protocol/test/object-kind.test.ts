// Objects of every built-in class, of this realm and of another one: what each becomes on the wire, or why it is refused.

import { Readable } from "node:stream";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { SerializationError } from "../src/errors/index.js";
import { resultHex, roundTrip, thrownBy } from "./wire.js";

class Money {
  readonly #cents = 5;
  get cents(): number {
    return this.#cents;
  }
}

class WithJson extends Money {
  readonly own = 1;
  toJSON(key: string): unknown {
    return { cents: this.cents, key };
  }
}

function refusal(value: unknown): string {
  const error = thrownBy(() => resultHex({ field: value }), SerializationError);
  expect(error).toMatchObject({ code: "UNSENDABLE_VALUE", path: "result.field" });
  return error.message.replace(/^result\.field: /, "").replace(/\. Nothing was sent\.$/, "");
}

/** Runs this in another realm, as test runners do with the files they test. */
function elsewhere(source: string): unknown {
  return runInNewContext(source, { AbortController, URL, atob, structuredClone });
}

function args(..._given: unknown[]): object {
  // biome-ignore lint/complexity/noArguments: they are what is tested
  return arguments;
}

describe("sent by a documented rule", () => {
  it.each<[title: string, value: unknown, back: unknown]>([
    ["[VAL-18] a URL", new URL("http://a/b"), "http://a/b"],
    ["[VAL-18] an object with toJSON", new WithJson(), { cents: 5, key: "field" }],
    ["[VAL-18] an object that inherits toJSON", Object.create({ toJSON: () => 7 }), 7],
    ["[VAL-18] toJSON that returns a Date", Object.create({ toJSON: () => new Date(5) }), new Date(5)],
    ["[VAL-18] toJSON that returns bytes", Object.create({ toJSON: () => Buffer.of(1) }), new Uint8Array([1])],
    [
      "[VAL-18] toJSON that returns an object with toJSON",
      Object.create({ toJSON: () => new WithJson() }),
      { cents: 5, key: "field" },
    ],
    ["[VAL-18] toJSON that returns undefined", Object.create({ toJSON: () => undefined }), null],
    ["[VAL-18] toJSON that returns NaN", Object.create({ toJSON: () => Number.NaN }), null],
    [
      "[VAL-18] toJSON that returns the object itself",
      Object.assign(
        Object.create({
          toJSON() {
            return this;
          },
        }),
        { a: 1 },
      ),
      { a: 1 },
    ],
    ["[VAL-18] a Map with toJSON", Object.assign(new Map([[{}, 1]]), { toJSON: () => "map" }), "map"],
    [
      "[VAL-18] a Map whose toJSON returns itself",
      Object.assign(new Map([[1, 2]]), {
        toJSON() {
          return this;
        },
      }),
      { 1: 2 },
    ],
    [
      "[VAL-18] an array of a class with toJSON",
      Object.assign(new (class extends Array<unknown> {})(), { toJSON: () => "array" }),
      "array",
    ],
    [
      "[VAL-18] an array whose toJSON returns itself",
      new (class extends Array<unknown> {
        toJSON() {
          return this;
        }
      })(1, 2),
      [1, 2],
    ],
    ["[VAL-18] toJSON that is no method", Object.assign(new (class A {})(), { toJSON: 1 }), { toJSON: 1 }],
    ["[VAL-19] a Number", new Number(5), 5],
    ["[VAL-19] a String, with a field", Object.assign(new String("abc"), { lost: 1 }), "abc"],
    ["[VAL-19] a Boolean", new Boolean(false), false],
    ["[VAL-19] a BigInt", Object(2n ** 60n), 2n ** 60n],
    ["[VAL-11] the arguments of a function", args(1, "two"), [1, "two"]],
    ["[VAL-11] no arguments", args(), []],
    ["[VAL-11] an array with holes and fields", Object.assign(Array(2), { 1: 5, name: "left out" }), [null, 5]],
    ["[VAL-12] frozen fields", Object.freeze({ a: 1 }), { a: 1 }],
    ["[VAL-12] a proxy of a plain object", new Proxy({ a: 1 }, {}), { a: 1 }],
    ["[VAL-12] a proxy of an array", new Proxy([1], {}), [1]],
    [
      "[VAL-12] getters of the object itself",
      {
        get a() {
          return 1;
        },
      },
      { a: 1 },
    ],
    ["[VAL-12] an object without prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    [
      "[VAL-12] an object whose prototype has none",
      Object.assign(Object.create(Object.create(null)), { a: 1 }),
      { a: 1 },
    ],
    ["[VAL-12] no fields", {}, {}],
    ["[VAL-12] fields that are all undefined", { a: undefined }, {}],
    ["[VAL-12] a key that is a symbol is left out", { [Symbol("s")]: 1, b: 2 }, { b: 2 }],
    ["[VAL-12] a key that is 0", { 0: "a" }, { 0: "a" }],
    ["[VAL-12] an object that says it is a Map", { [Symbol.toStringTag]: "Map", a: 1 }, { a: 1 }],
    [
      "[VAL-12] an instance that says it is a Map",
      Object.assign(
        new (class {
          get [Symbol.toStringTag]() {
            return "Map";
          }
        })(),
        { a: 1 },
      ),
      { a: 1 },
    ],
    [
      "[VAL-12] an instance that says it is an Error",
      Object.assign(
        new (class {
          get [Symbol.toStringTag]() {
            return "Error";
          }
        })(),
        { a: 1 },
      ),
      { a: 1 },
    ],
    ["[VAL-12] an instance with the prototype of Map", Object.assign(Object.create(Map.prototype), { a: 1 }), { a: 1 }],
    ["[VAL-12] a Map subclass", new (class Cache extends Map<unknown, unknown> {})([["a", 1]]), { a: 1 }],
    [
      "[VAL-12] a Map subclass with another tag",
      new (class Cache extends Map<unknown, unknown> {
        override get [Symbol.toStringTag]() {
          return "Cache";
        }
      })([["a", 1]]),
      { a: 1 },
    ],
    ["[VAL-11] a Set subclass", new (class Tags extends Set<unknown> {})(["a"]), ["a"]],
    ["[VAL-8] a Date subclass", new (class Day extends Date {})(5), new Date(5)],
    [
      "[VAL-8] the first and the last Date",
      [new Date(-8.64e15), new Date(8.64e15)],
      [new Date(-8.64e15), new Date(8.64e15)],
    ],
    ["[VAL-7] a Uint8Array subclass", new (class Bytes extends Uint8Array {})([1, 2]), new Uint8Array([1, 2])],
    ["[VAL-7] a Float32Array", new Float32Array([1.5]), new Uint8Array([0, 0, 0xc0, 0x3f])],
    ["[VAL-7] a BigInt64Array", new BigInt64Array([5n]), new Uint8Array([5, 0, 0, 0, 0, 0, 0, 0])],
    ["[VAL-7] a view of shared memory", new Uint8Array(new SharedArrayBuffer(2)), new Uint8Array(2)],
    [
      "[VAL-14] an Error subclass with fields",
      Object.assign(new TypeError("m"), { stack: "s", code: "E" }),
      { name: "TypeError", message: "m", stack: "s" },
    ],
    [
      "[VAL-14] an error of the platform",
      Object.assign(new DOMException("m", "DataError"), { stack: "s" }),
      { name: "DataError", message: "m", stack: "s" },
    ],
    [
      "[VAL-12] keys of a Map",
      new Map<unknown, unknown>([
        [null, 1],
        [undefined, 2],
        [true, 3],
        [1.5, 4],
        [5n, 6],
        [-0, 7],
      ]),
      { null: 1, undefined: 2, true: 3, "1.5": 4, 5: 6, 0: 7 },
    ],
  ])("%s", (_title, value, back) => {
    expect(roundTrip({ field: value })).toStrictEqual({ field: back });
  });

  it("[VAL-19] boxed primitives within others are primitives", () => {
    expect(roundTrip([new Number(1), { a: new Map([["b", new String("c")]]) }])).toEqual([1, { a: { b: "c" } }]);
  });

  it("[VAL-18] toJSON gets the key, the index, and nothing for a result", () => {
    const value = new WithJson();
    expect(roundTrip([value, { deep: value }])).toEqual([{ cents: 5, key: "0" }, { deep: { cents: 5, key: "deep" } }]);
    expect(roundTrip(value)).toEqual({ cents: 5, key: "" });
  });

  it("[VAL-7] large views of shared memory are copied when they are sent", () => {
    const shared = new Uint8Array(new SharedArrayBuffer(70_000)).fill(1);
    const back = roundTrip(shared) as Uint8Array;
    expect(back.every((byte) => byte === 1)).toBe(true);
    expect(back.buffer).toBeInstanceOf(ArrayBuffer);
  });

  it("[VAL-12] a module by what it exports", async () => {
    const module = await import(`data:text/javascript,${"export const a = 1; export const b = [2];"}`);
    expect(roundTrip(module)).toEqual({ a: 1, b: [2] });
  });
});

describe("values of another realm are as those of this one", () => {
  it.each<[source: string, back: unknown]>([
    ["new Date(5)", new Date(5)],
    ["new Map([['a', new Map([[1, 2]])]])", { a: { 1: 2 } }],
    ["new Set([1, 'a'])", [1, "a"]],
    ["new Uint8Array([1, 2])", new Uint8Array([1, 2])],
    ["new Float64Array([1])", new Uint8Array(new Float64Array([1]).buffer)],
    ["new ArrayBuffer(2)", new Uint8Array(2)],
    ["new DataView(new ArrayBuffer(1))", new Uint8Array(1)],
    ["Object.assign(new RangeError('x'), { stack: 's' })", { name: "RangeError", message: "x", stack: "s" }],
    [
      "Object.assign(new (class Own extends Error {})('x'), { stack: 's' })",
      { name: "Error", message: "x", stack: "s" },
    ],
    ["[1, [2]]", [1, [2]]],
    ["({ a: 1, b: {} })", { a: 1, b: {} }],
    ["Object.assign(Object.create(null), { a: 1 })", { a: 1 }],
    ["new (class { a = 1 })()", { a: 1 }],
    ["new (class { toJSON() { return { a: [1] } } })()", { a: [1] }],
    ["(function () { return arguments })(1, 2)", [1, 2]],
    ["[Object(1), Object('s'), Object(true), Object(5n)]", [1, "s", true, 5]],
    ["5n", 5],
    ["new (class extends Map {})([[1, 2]])", { 1: 2 }],
    ["new (class extends Date {})(5)", new Date(5)],
    ["structuredClone(new Map([['a', new Date(5)]]))", { a: new Date(5) }],
    ["new URL('http://a/b')", "http://a/b"],
    ["new Proxy({ a: 1 }, {})", { a: 1 }],
    ["JSON.parse('{\"__proto__\": 1}')", JSON.parse('{"__proto__": 1}')],
  ])("[VAL-22] %s", (source, back) => {
    expect(roundTrip({ field: elsewhere(source) })).toStrictEqual({ field: back });
  });

  it.each([
    ["new Date(NaN)", "invalid Date cannot be sent; send null"],
    ["Promise.resolve(1)", "Promise cannot be sent; await it first"],
    ["new WeakMap()", "WeakMap cannot be sent; send a Map"],
    ["/x/g", "RegExp cannot be sent; send its source and its flags"],
    ["new SharedArrayBuffer(2)", "SharedArrayBuffer cannot be sent; send a copy: new Uint8Array(value).slice()"],
    ["(function* () { yield 1 })()", "Generator cannot be sent; send its items in an array: [...value]"],
    ["[1].values()", "Array Iterator cannot be sent; send its items in an array: [...value]"],
    [
      "new Map([[1, 1], ['1', 2]])",
      /^a Map with the keys "1" and 1, which are the same text, cannot be sent; send its entries/,
    ],
    ["() => 1", /^function cannot be sent/],
    ["new (class Money { #cents = 1 })()", /^Money cannot be sent; send a plain object/],
  ])("[VAL-22] [VAL-15] and refused: %s", (source, message) => {
    expect(refusal(elsewhere(source))).toEqual(typeof message === "string" ? message : expect.stringMatching(message));
  });
});

describe("refused, with the class and what to send instead", () => {
  const formData = new FormData();
  formData.append("a", "b");
  const fieldless = "send a plain object of what is needed, or give its class a toJSON method";
  const items = "send its items in an array: [...value]";
  it.each<[value: unknown, message: string]>([
    [/x/g, "RegExp cannot be sent; send its source and its flags"],
    [Object.assign(/x/g, { added: 1 }), "RegExp cannot be sent; send its source and its flags"],
    [new Headers({ a: "1" }), `Headers cannot be sent; ${items}`],
    [formData, `FormData cannot be sent; ${items}`],
    [
      new URLSearchParams("a=1"),
      `URLSearchParams cannot be sent; send its text, value.toString(), or its items in an array: [...value]`,
    ],
    [new Response("x"), "Response cannot be sent; send what it holds, such as await value.text()"],
    [new Request("http://a"), "Request cannot be sent; send what it holds, such as await value.text()"],
    [new Blob(["x"]), "Blob cannot be sent; send new Uint8Array(await value.arrayBuffer())"],
    [new SharedArrayBuffer(2), "SharedArrayBuffer cannot be sent; send a copy: new Uint8Array(value).slice()"],
    [new ReadableStream(), "ReadableStream cannot be sent; read it, and send what it gives"],
    [new WritableStream(), "WritableStream cannot be sent; keep it here, and send the data"],
    [new TransformStream(), "TransformStream cannot be sent; keep it here, and send the data"],
    [Readable.from([1]), "Readable cannot be sent; read it, and send what it gives"],
    [new AbortController(), "AbortController cannot be sent; give its signal to the call as the option signal"],
    [AbortSignal.abort(), "AbortSignal cannot be sent; give it to the call as its option signal"],
    [
      (function* () {
        yield 1;
      })(),
      `Generator cannot be sent; ${items}`,
    ],
    [
      (async function* () {
        yield 1;
      })(),
      "AsyncGenerator cannot be sent; collect its items in an array, and send that",
    ],
    [[1].values(), `Array Iterator cannot be sent; ${items}`],
    [new Map([[1, 2]]).keys(), `Map Iterator cannot be sent; ${items}`],
    ["a".matchAll(/a/g), `RegExp String Iterator cannot be sent; ${items}`],
    [Promise.resolve(1), "Promise cannot be sent; await it first"],
    [
      new (class Query {
        table = "t";
        // biome-ignore lint/suspicious/noThenProperty: it is what is tested
        then(): void {}
      })(),
      "Query cannot be sent; await it first",
    ],
    [new WeakMap(), "WeakMap cannot be sent; send a Map"],
    [new WeakSet(), "WeakSet cannot be sent; send a Set"],
    [new WeakRef({}), "WeakRef cannot be sent; send what it refers to: value.deref()"],
    [new FinalizationRegistry(() => {}), "FinalizationRegistry cannot be sent; leave it out"],
    [new Intl.NumberFormat("en"), `NumberFormat cannot be sent; ${fieldless}`],
    [new Money(), `Money cannot be sent; ${fieldless}`],
    [new (class Empty {})(), `Empty cannot be sent; ${fieldless}`],
    [
      new (class Bag {
        *[Symbol.iterator]() {
          yield 1;
        }
      })(),
      `Bag cannot be sent; ${items}`,
    ],
    [Object(Symbol("s")), "Symbol cannot be sent; send its description"],
    [Symbol("s"), "symbol cannot be sent; send its description"],
    [Math, "an object without enumerable fields that has others cannot be sent; send a plain object with text keys"],
    [
      Object.defineProperty({}, "a", { value: 1 }),
      "an object without enumerable fields that has others cannot be sent; send a plain object with text keys",
    ],
    [
      { [Symbol("a")]: 1 },
      "an object without enumerable fields that has others cannot be sent; send a plain object with text keys",
    ],
    [new Map([[{}, 1]]), "a Map whose key is of type object cannot be sent; send its entries in an array: [...map]"],
    [
      new Map([[new Date(0), 1]]),
      "a Map whose key is of type object cannot be sent; send its entries in an array: [...map]",
    ],
    [
      new Map([[Symbol("s"), 1]]),
      "a Map whose key is of type symbol cannot be sent; send its entries in an array: [...map]",
    ],
    [
      new Map([
        [null, 1],
        ["null", 2],
      ] as never),
      'a Map with the keys "null" and null, which are the same text, cannot be sent; send its entries in an array: [...map]',
    ],
    [
      new Map([
        [1n, 1],
        [1, 2],
      ] as never),
      'a Map with the keys "1" and 1, which are the same text, cannot be sent; send its entries in an array: [...map]',
    ],
    [new Date(Number.NaN), "invalid Date cannot be sent; send null"],
    [new Date(8.64e15 + 1), "invalid Date cannot be sent; send null"],
  ])("[VAL-15] [VAL-20] %o", (value, message) => {
    expect(refusal(value)).toBe(message);
  });

  it("[VAL-21] a Map with keys that are the same text", () => {
    const pairs: [unknown, unknown][] = [
      [1, "1"],
      [null, "null"],
      [undefined, "undefined"],
      [1n, 1],
      [true, "true"],
    ];
    for (const [one, other] of pairs) {
      expect(
        refusal(
          new Map([
            [one, 1],
            [other, 2],
          ]),
        ),
      ).toMatch(/cannot be sent/);
    }
  });

  it.each<[title: string, value: object]>([
    [
      "toJSON that throws",
      Object.create({
        toJSON() {
          throw new Error("no JSON");
        },
      }),
    ],
    [
      "a getter of toJSON that throws",
      Object.create(
        Object.defineProperty({}, "toJSON", {
          get() {
            throw new Error("no JSON");
          },
        }),
      ),
    ],
    ["a proxy of a Map", new Proxy(new Map([[1, 2]]), {})],
    ["a proxy of a Date", new Proxy(new Date(5), {})],
  ])("[VAL-15] %s", (_title, value) => {
    expect(refusal(value)).toMatch(/cannot be sent/);
  });

  it("[VAL-18] toJSON that returns ever more objects with toJSON", () => {
    const endless = (): object => Object.create({ toJSON: endless });
    expect(refusal(endless())).toMatch(/^a value that cannot be read cannot be sent \(Maximum call stack/);
    const nested = (): object => Object.create({ toJSON: () => [nested()] });
    expect(thrownBy(() => resultHex(nested()), SerializationError).code).toBe("LIMIT_EXCEEDED");
  });
});
