import { inspect } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { createCallProxy, createMethods } from "../../src/calls/call-proxy.js";
import type { AnyWorker } from "../../src/calls/remote-methods.js";
import type { CallOptions } from "../../src/options.js";

function proxyAndCalls() {
  const call = vi.fn(async (..._call: [name: string, args: readonly unknown[], options: CallOptions]) => "result");
  return { call, proxy: createCallProxy<{ add(a: number, b: number): number; sub(): number }>({ call }) };
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
    await createMethods<AnyWorker>({ call }, { timeout: 1 }).withOptions?.("x");
    expect(call).toHaveBeenCalledWith("withOptions", ["x"], { timeout: 1 });
  });

  it("awaiting, logging, printing and serializing it are harmless, and call nothing", async () => {
    const { call, proxy } = proxyAndCalls();
    expect(await proxy).toBe(proxy);
    expect(JSON.stringify({ proxy })).toBe('{"proxy":{}}');
    expect(inspect(proxy)).toBe("[Object: null prototype] {}");
    expect(() => `${proxy}`).toThrow(TypeError);
    expect(Object.keys(proxy)).toEqual([]);
    expect(await Promise.all([proxy, proxy.withOptions({})])).toHaveLength(2);
    expect(call).not.toHaveBeenCalled();
  });

  it.each(["then", "toJSON", "constructor", "toString", "valueOf", "hasOwnProperty", "__proto__"])(
    "has no method %s",
    (name) => {
      const { proxy } = proxyAndCalls();
      expect((proxy as unknown as AnyWorker)[name]).toBeUndefined();
      expect((proxy.withOptions({}) as unknown as AnyWorker)[name]).toBeUndefined();
    },
  );
});
