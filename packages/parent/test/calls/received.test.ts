// The types of values as they arrive, checked by `tsc -p tsconfig.test.json`, against what the codec does with them.

import { createCodec } from "@multifrost/protocol";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { Received } from "../../src/calls/received.js";

interface User {
  name: string;
  readonly age?: number;
  best?: User;
  friends: User[];
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

interface Tree {
  value: bigint;
  left?: Tree;
  right: Tree | null;
  all: Set<Tree>;
  byName: Map<string, Tree>;
}

interface Grows<T> {
  value: T;
  next?: Grows<T[]>;
  set: Set<T>;
}

class Point {
  readonly x: number = 1;
  y?: bigint;
  #hidden = 2;
  private secret = 3;
  handler = (value: number): number => value;
  later?: () => void;
  get length(): number {
    return this.#hidden + this.secret;
  }
  move(): this {
    return this;
  }
}

const codec = createCodec();

/** Sends a value through the codec, as the result of a call. */
function sent<V>(value: V): Received<V> {
  const bytes = codec.encode({ id: "1", type: "response", timestamp: 0, result: value });
  const message = codec.decode(bytes);
  return (message.type === "response" ? message.result : undefined) as Received<V>;
}

describe("a value that arrives", () => {
  it("is the same for text, numbers, booleans, null, dates, and values without a type", () => {
    expectTypeOf<Received<string>>().toEqualTypeOf<string>();
    expectTypeOf<Received<1 | "a" | true | null>>().toEqualTypeOf<1 | "a" | true | null>();
    expectTypeOf<Received<Date>>().toEqualTypeOf<Date>();
    expectTypeOf<Received<undefined>>().toEqualTypeOf<undefined>();
    expectTypeOf<Received<void>>().toEqualTypeOf<void>();
    expectTypeOf<Received<never>>().toEqualTypeOf<never>();
    expectTypeOf<Received<unknown>>().toEqualTypeOf<unknown>();
    // biome-ignore lint/suspicious/noExplicitAny: what users write
    expectTypeOf<Received<any>>().toBeAny();
    expectTypeOf<Received<object>>().toEqualTypeOf<object>();
    expectTypeOf<Received<string & { readonly brand: 1 }>>().toEqualTypeOf<string & { readonly brand: 1 }>();
  });

  it("is a number or a bigint for a bigint", () => {
    expectTypeOf<Received<bigint>>().toEqualTypeOf<number | bigint>();
    expect([sent(1n), sent(2n ** 60n)]).toEqual([1, 2n ** 60n]);
  });

  it("is an array for a Set, and an object for a Map", () => {
    expectTypeOf<Received<Set<bigint>>>().toEqualTypeOf<(number | bigint)[]>();
    expectTypeOf<Received<ReadonlySet<string>>>().toEqualTypeOf<string[]>();
    expectTypeOf<Received<Map<number, Map<string, Date>>>>().toEqualTypeOf<{
      [key: string]: { [key: string]: Date };
    }>();
    expectTypeOf<Received<ReadonlyMap<unknown, 1>>>().toEqualTypeOf<{ [key: string]: 1 }>();
    expect(sent(new Set([1]))).toEqual([1]);
    expect(sent(new Map([[1, "one"]]))).toEqual({ "1": "one" });
  });

  it("is bytes for everything binary", () => {
    expectTypeOf<Received<Buffer>>().toEqualTypeOf<Uint8Array>();
    expectTypeOf<Received<Uint8Array | Float64Array | DataView | ArrayBuffer>>().toEqualTypeOf<Uint8Array>();
    expect(sent(Buffer.from("a"))).toEqual(new Uint8Array([97]));
    expect(sent(new Uint16Array([1]))).toEqual(new Uint8Array([1, 0]));
  });

  it("is an array or tuple of the same length, with null for undefined", () => {
    expectTypeOf<Received<(string | undefined)[]>>().toEqualTypeOf<(string | null)[]>();
    expectTypeOf<Received<readonly User[]>>().toEqualTypeOf<readonly User[]>();
    expectTypeOf<Received<unknown[]>>().toEqualTypeOf<unknown[]>();
    expectTypeOf<Received<[User, a: Set<number>, b?: bigint, ...c: Map<string, User>[]]>>().toEqualTypeOf<
      [User, a: number[], b?: number | bigint, ...c: { [key: string]: User }[]]
    >();
    expectTypeOf<Received<RegExpMatchArray | null>>().toEqualTypeOf<string[] | null>();
    expect(sent([undefined, 1])).toEqual([null, 1]);
    expect(sent("ab".match(/b/))).toEqual(["b"]);
  });

  it("is the data of an object: its public properties without functions", () => {
    expectTypeOf<Received<Point>>().toEqualTypeOf<{
      readonly x: number;
      y?: number | bigint;
      readonly length: number;
    }>();
    expectTypeOf<Received<{ a: Set<number> } & { b: string }>>().toEqualTypeOf<{ a: number[]; b: string }>();
    expectTypeOf<Received<Record<string, Set<number>>>>().toEqualTypeOf<Record<string, number[]>>();
    expectTypeOf<Received<{ a: string | undefined; b: null; c: unknown; [Symbol.iterator]: 1 }>>().toEqualTypeOf<{
      a: string | undefined;
      b: null;
      c: unknown;
    }>();
  });

  it("has its name, message and stack of an error, and keeps data that only has a name and a message", () => {
    expectTypeOf<Received<RangeError>>().toEqualTypeOf<{ name: string; message: string; stack?: string }>();
    expectTypeOf<Received<{ name: string; message: string; id: number }>>().toEqualTypeOf<{
      name: string;
      message: string;
      id: number;
    }>();
    expect(sent(new RangeError("far", { cause: 1 }))).toEqual({
      name: "RangeError",
      message: "far",
      stack: expect.any(String),
    });
  });

  it("is what toJSON returns, but not of an error", () => {
    class Money {
      readonly cents: bigint = 5n;
      toJSON(): { amount: Set<number> } {
        return { amount: new Set([Number(this.cents)]) };
      }
    }
    class Failure extends Error {
      toJSON(): number {
        return 1;
      }
    }
    expectTypeOf<Received<URL>>().toEqualTypeOf<string>();
    expectTypeOf<Received<Money[]>>().toEqualTypeOf<{ amount: number[] }[]>();
    expectTypeOf<Received<Failure>>().toEqualTypeOf<{ name: string; message: string; stack?: string }>();
    expect([sent(new URL("http://a.b")), sent(new Money())]).toEqual(["http://a.b/", { amount: [5] }]);
    expect(sent(new Failure("m"))).toMatchObject({ name: "Error", message: "m" });
  });

  it("is never what has no form on the wire", () => {
    expectTypeOf<Received<() => void>>().toEqualTypeOf<never>();
    expectTypeOf<Received<typeof Point>>().toEqualTypeOf<never>();
    expectTypeOf<Received<symbol>>().toEqualTypeOf<never>();
    expectTypeOf<Received<Promise<number>>>().toEqualTypeOf<never>();
    expectTypeOf<Received<WeakMap<object, number>>>().toEqualTypeOf<never>();
    expectTypeOf<Received<WeakRef<Point>>>().toEqualTypeOf<never>();
    expectTypeOf<Received<Map<object, number>>>().toEqualTypeOf<never>();
    expectTypeOf<Received<RegExp | URLSearchParams | Headers | Blob | AbortSignal>>().toEqualTypeOf<never>();
    expectTypeOf<
      Received<ReadableStream<number> | Generator<number> | AsyncGenerator<number>>
    >().toEqualTypeOf<never>();
    expectTypeOf<Received<SharedArrayBuffer | PromiseLike<number>>>().toEqualTypeOf<never>();
    expectTypeOf<Received<{ next: { value: number; next: null } | null }>>().toEqualTypeOf<{
      next: { value: number; next: null } | null;
    }>();
    for (const value of [
      () => {},
      Point,
      Symbol("a"),
      Promise.resolve(1),
      new WeakMap(),
      new Map([[{}, 1]]),
      /a/,
      new Headers(),
    ]) {
      expect(() => sent(value)).toThrow(expect.objectContaining({ code: "UNSENDABLE_VALUE" }));
    }
  });

  it("may refer to itself", () => {
    expectTypeOf<Received<User>>().toEqualTypeOf<User>();
    expectTypeOf<Received<Json>>().toEqualTypeOf<Json>();
    type Value = NonNullable<NonNullable<Received<Tree>["left"]>["right"]>["all"][number]["byName"][string]["value"];
    expectTypeOf<Value>().toEqualTypeOf<number | bigint>();
    type Third = NonNullable<NonNullable<Received<Grows<Date>>["next"]>["next"]>;
    expectTypeOf<Third["set"]>().toEqualTypeOf<Date[][][]>();
  });
});
