// `worker.call.add(1, 2)` becomes the name "add" and the arguments [1, 2].

import { inspect } from "node:util";
import { type CallOptions, NO_OPTIONS } from "../options.js";
import type { CallProxy } from "./remote-methods.js";

/** Makes the calls of methods. */
export interface CallTarget {
  call(name: string, args: readonly unknown[], options: CallOptions): Promise<unknown>;
}

/**
 * Names that programs read from any object: `await`, `JSON.stringify`, and the matchers, spies and printers of test
 * runners. They would call a function of such a name, or take the object for what it is not. `callFunction` reaches a
 * remote method of such a name.
 */
const NOT_METHODS: ReadonlySet<string> = new Set([
  "then",
  "toJSON",
  "asymmetricMatch",
  "hasAttribute",
  "nodeType",
  "_isMockFunction",
  ...Object.getOwnPropertyNames(Object.prototype),
]);

/** `__esModule`, `$$typeof`, `@@__IMMUTABLE_ITERABLE__@@`: marks of module loaders and libraries. */
const MARK = /^(?:__|\$\$|@@)/;

type AnyFunction = (...args: never[]) => unknown;

/**
 * The worker's methods and `withOptions`, which hides a remote method of that name; `callFunction` reaches it.
 *
 * An ordinary object, so that it can be printed, compared, cloned, and given mocks, which go before methods. Behind it, as
 * its prototype, is the proxy that makes the methods.
 *
 * @param workerName Shown where the object is printed.
 */
export function createCallProxy<T>(target: CallTarget, workerName: string): CallProxy<T> {
  const withOptions = (options: CallOptions): object => {
    // What is no object, each call refuses.
    const copy = typeof options === "object" && options !== null ? { ...options } : options;
    const methods = proxyOf(methodsOf(target, copy), `worker.withOptions() of ${workerName}`);
    return Object.defineProperties(methods, Object.getOwnPropertyDescriptors(call));
  };
  const methodFor = methodsOf(target, NO_OPTIONS);
  const call: object = Object.create(
    proxyOf((name) => (name === "withOptions" ? withOptions : methodFor(name)), `worker.call of ${workerName}`),
  );
  return call as CallProxy<T>;
}

function methodsOf(target: CallTarget, options: CallOptions): (name: string) => AnyFunction {
  return (name) =>
    (...args: unknown[]) =>
      target.call(name, args, options);
}

/** What methods are found on. */
class WorkerMethods {
  readonly #title: string;

  constructor(title: string) {
    this.#title = title;
  }

  /** Makes it `[object worker.call of math-worker.js]` in a text, and different from another object without fields. */
  get [Symbol.toStringTag](): string {
    return #title in this ? this.#title : WorkerMethods.name;
  }

  [inspect.custom](): string {
    return `[${this[Symbol.toStringTag]}]`;
  }
}

function proxyOf(methodFor: (name: string) => AnyFunction, title: string): object {
  const made = new Map<string | symbol, AnyFunction>();
  const make = (name: string): AnyFunction => {
    const method = methodFor(name);
    made.set(name, method);
    return method;
  };
  return new Proxy(new WorkerMethods(title), {
    get: (own, name) => made.get(name) ?? (isMethod(own, name) ? make(name) : Reflect.get(own, name)),
    has: (own, name) => isMethod(own, name) || Reflect.has(own, name),
    // Spies look for it. Not enumerable, as the methods of a class.
    getOwnPropertyDescriptor: (own, name) =>
      isMethod(own, name) && Object.isExtensible(own)
        ? { value: made.get(name) ?? make(name), configurable: true, enumerable: false, writable: true }
        : Reflect.getOwnPropertyDescriptor(own, name),
    // A mock: from now on it is found, not the method.
    defineProperty: (own, name, descriptor) => {
      made.delete(name);
      return Reflect.defineProperty(own, name, descriptor);
    },
  });
}

function isMethod(own: WorkerMethods, name: string | symbol): name is string {
  return typeof name === "string" && !NOT_METHODS.has(name) && !MARK.test(name) && !Object.hasOwn(own, name);
}
