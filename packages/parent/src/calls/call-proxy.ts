// `worker.call.add(1, 2)` becomes the name "add" and the arguments [1, 2].

import type { CallOptions } from "../options.js";
import type { CallProxy, RemoteMethods } from "./remote-methods.js";

/** Makes the calls of methods. */
export interface CallTarget {
  call(name: string, args: readonly unknown[], options: CallOptions): Promise<unknown>;
}

/**
 * Looked up by `await`, `JSON.stringify`, template strings and the like, on anything at all. A proxy must not answer
 * with a method; `callFunction` reaches a remote one of such a name.
 */
const NOT_METHODS: ReadonlySet<string> = new Set(["then", "toJSON", ...Object.getOwnPropertyNames(Object.prototype)]);

/** The worker's methods, each call with these options. */
export function createMethods<T>(target: CallTarget, options: CallOptions): RemoteMethods<T> {
  return proxyOf((name) => methodOf(target, name, options)) as RemoteMethods<T>;
}

/** The worker's methods and `withOptions`, which hides a remote method of that name; `callFunction` reaches it. */
export function createCallProxy<T>(target: CallTarget): CallProxy<T> {
  const withOptions = (options: CallOptions): RemoteMethods<T> => createMethods<T>(target, { ...options });
  return proxyOf((name) => (name === "withOptions" ? withOptions : methodOf(target, name, {}))) as CallProxy<T>;
}

type AnyFunction = (...args: never[]) => unknown;

function methodOf(target: CallTarget, name: string, options: CallOptions): AnyFunction {
  return (...args: unknown[]) => target.call(name, args, options);
}

function proxyOf(functionFor: (name: string) => AnyFunction): object {
  const made = new Map<string, AnyFunction>();
  return new Proxy(Object.create(null) as object, {
    get(_target, name) {
      if (typeof name === "symbol" || NOT_METHODS.has(name)) {
        return undefined;
      }
      const known = made.get(name);
      if (known !== undefined) {
        return known;
      }
      const method = functionFor(name);
      made.set(name, method);
      return method;
    },
  });
}
