import assert from "node:assert";
import { format, inspect } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { createCallProxy } from "../../src/calls/call-proxy.js";
import type { AnyWorker } from "../../src/calls/remote-methods.js";
import type { CallOptions } from "../../src/options.js";

function proxyAndCalls() {
  const call = vi.fn(async (..._call: [name: string, args: readonly unknown[], options: CallOptions]) => "result");
  return {
    call,
    proxy: createCallProxy<{ add(a: number, b: number): number; sub(): number }>({ call }, "math-worker.ts"),
  };
}

describe("the call proxy", () => {
  it("makes a call of a name and its arguments", async () => {
    const { call, proxy } = proxyAndCalls();
    expect(await proxy.add(1, 2)).toBe("result");
    expect(call).toHaveBeenCalledExactlyOnceWith("add", [1, 2], {});
  });

  it("gives the same function for the same name", () => {
    const { proxy } = proxyAndCalls();
    expect(proxy.add).toBe(proxy.add);
    expect(proxy.add).not.toBe(proxy.sub);
  });

  it("chains with options do not share them, and leave the proxy they came from as it is", async () => {
    const { call, proxy } = proxyAndCalls();
    const quick = proxy.withOptions({ timeout: 1 });
    const named = proxy.withOptions({ namespace: "other" });
    await Promise.all([quick.add(1, 1), named.add(2, 2), proxy.add(3, 3), quick.add(4, 4)]);
    expect(call.mock.calls).toEqual([
      ["add", [1, 1], { timeout: 1 }],
      ["add", [2, 2], { namespace: "other" }],
      ["add", [3, 3], {}],
      ["add", [4, 4], { timeout: 1 }],
    ]);
  });

  it("changing the options afterwards changes nothing for the chain made with them", async () => {
    const { call, proxy } = proxyAndCalls();
    const options = { timeout: 1 };
    const chain = proxy.withOptions(options);
    options.timeout = 99;
    await chain.add(1, 1);
    expect(call).toHaveBeenCalledWith("add", [1, 1], { timeout: 1 });
  });

  it("in a chain withOptions is a remote method like any other", async () => {
    const { call } = proxyAndCalls();
    const chain = createCallProxy<AnyWorker>({ call }, "worker").withOptions({ timeout: 1 });
    await (chain as AnyWorker).withOptions?.("x");
    expect(call).toHaveBeenCalledWith("withOptions", ["x"], { timeout: 1 });
  });

  it("a method remains what it is without its object", async () => {
    const { call, proxy } = proxyAndCalls();
    const { sub } = proxy;
    await Promise.all([sub(), proxy.add.call(undefined, 1, 2), proxy.add.bind(null, 1)(2)]);
    expect(call.mock.calls.map(([name, args]) => [name, args])).toEqual([
      ["sub", []],
      ["add", [1, 2]],
      ["add", [1, 2]],
    ]);
  });
});

describe("the call proxy as a value", () => {
  const kinds = [
    ["worker.call", (proxy: ReturnType<typeof proxyAndCalls>["proxy"]) => proxy as object],
    ["a chain", (proxy: ReturnType<typeof proxyAndCalls>["proxy"]) => proxy.withOptions({}) as object],
  ] as const;

  it.each(kinds)("%s can be awaited, printed, listed and serialized, which calls nothing", async (_kind, of) => {
    const { call, proxy } = proxyAndCalls();
    const value = of(proxy);
    expect(await value).toBe(value);
    expect(await Promise.all([value])).toEqual([value]);
    expect(JSON.stringify({ value })).toBe('{"value":{}}');
    expect(inspect(value)).toMatch(/^\[worker\.\S+ of math-worker\.ts\]$/);
    expect(`${value}`).toBe(`[object ${inspect(value).slice(1)}`);
    expect(`${value}`).toBe(String(value));
    for (const text of ["%s", "%d", "%i", "%f", "%j", "%o", "%O", "%c"]) {
      expect(typeof format(text, value)).toBe("string");
    }
    expect(inspect(value, { showProxy: true, showHidden: true })).toContain("math-worker.ts");
    expect(Object.keys(value)).toEqual([]);
    expect({ ...value }).toEqual({});
    const listed: string[] = [];
    for (const name in value) {
      listed.push(name);
    }
    expect(listed).toEqual([]);
    expect(value instanceof Object).toBe(true);
    expect(Object.isFrozen(Object.freeze(value))).toBe(true);
    expect((value as AnyWorker).add).toBeTypeOf("function");
    expect("add" in value).toBe(true);
    expect(call).not.toHaveBeenCalled();
  });

  it("is cloned as an object without fields", () => {
    expect(structuredClone(proxyAndCalls().proxy)).toEqual({});
  });

  it.each(kinds)("%s passes no matcher that it should not, and matchers and snapshots call nothing", (_kind, of) => {
    const { call, proxy } = proxyAndCalls();
    const value = of(proxy);
    const other = createCallProxy<AnyWorker>({ call }, "other.ts");
    expect(value).toEqual(value);
    expect(value).toStrictEqual(value);
    expect({ value }).toMatchObject({ value });
    expect(value).toMatchObject({ add: expect.any(Function) });
    expect(value).not.toBe(other);
    for (const wrong of [other, {}, 5, "add", [], new Map(), () => {}, expect.any(Number), { add: 5 }]) {
      expect(value).not.toEqual(wrong);
      expect({ value }).not.toEqual({ value: wrong });
      expect({ value: wrong }).not.toEqual({ value });
      expect([wrong]).not.toContainEqual(value);
    }
    expect(value).not.toMatchObject({ add: 5 });
    expect(() => expect(value).toHaveBeenCalled()).toThrow("is not a spy");
    expect(() => expect(value).toEqual({ add: 5 })).toThrow("to deeply equal");
    expect(value).toMatchInlineSnapshot("WorkerMethods {}");
    expect(() => assert.deepStrictEqual(value, other)).toThrow(assert.AssertionError);
    assert.deepStrictEqual(value, value);
    expect(vi.isMockFunction(value)).toBe(false);
    expect(call).not.toHaveBeenCalled();
  });

  it.each(kinds)("%s has none of the names that programs read from any object", (_kind, of) => {
    const { call, proxy } = proxyAndCalls();
    const value = of(proxy);
    const read = [
      ...["then", "toJSON", "asymmetricMatch", "$$typeof", "nodeType", "hasAttribute", "_isMockFunction", "__esModule"],
      ...["@@__IMMUTABLE_ITERABLE__@@", "@@__IMMUTABLE_KEYED__@@", "@@__IMMUTABLE_RECORD__@@", "__v_raw"],
      ...[Symbol.iterator, Symbol.asyncIterator, Symbol.toPrimitive, Symbol.asyncDispose],
    ];
    for (const name of read) {
      expect(Reflect.get(value, name), String(name)).toBeUndefined();
      expect(name in value, String(name)).toBe(false);
    }
    for (const name of Object.getOwnPropertyNames(Object.prototype).filter((name) => name !== "__proto__")) {
      expect(() => Reflect.get(value, name)).not.toThrow();
    }
    expect(value.toString()).toContain("math-worker.ts");
    expect(Object.hasOwn(value, "add") && value.constructor === Object).toBe(false);
    expect(call).not.toHaveBeenCalled();
  });
});

describe("a mock in place of a remote method", () => {
  it("is used when it is assigned, in chains too, until it is deleted", async () => {
    const { call, proxy } = proxyAndCalls();
    const mock = vi.fn(async () => 42);
    proxy.add = mock;
    expect(await proxy.add(1, 2)).toBe(42);
    expect(await proxy.withOptions({ timeout: 1 }).add(3, 4)).toBe(42);
    expect(mock.mock.calls).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(call).not.toHaveBeenCalled();
    delete (proxy as Partial<typeof proxy>).add;
    expect(await proxy.add(1, 2)).toBe("result");
  });

  it("can be put into a chain", async () => {
    const { call, proxy } = proxyAndCalls();
    const chain = proxy.withOptions({ timeout: 1 });
    chain.sub = vi.fn(async () => 7);
    expect(await chain.sub()).toBe(7);
    expect(await proxy.sub()).toBe("result");
    expect(call).toHaveBeenCalledOnce();
  });

  it.each([
    ["before the method was used", false],
    ["after the method was used", true],
  ])("vi.spyOn watches and replaces it, %s, and gives it back", async (_when, used) => {
    const { call, proxy } = proxyAndCalls();
    if (used) {
      await proxy.add(0, 0);
    }
    const spy = vi.spyOn(proxy, "add");
    expect(await proxy.add(1, 2)).toBe("result");
    expect(spy).toHaveBeenCalledExactlyOnceWith(1, 2);
    spy.mockResolvedValue(9);
    expect(await proxy.add(1, 2)).toBe(9);
    expect(await proxy.withOptions({}).add(1, 2)).toBe(9);
    spy.mockRestore();
    expect(await proxy.add(1, 2)).toBe("result");
    expect(call).toHaveBeenCalledTimes(used ? 3 : 2);
  });
});
