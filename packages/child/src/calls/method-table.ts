import type { Feature, Metadata, RefusalCode } from "@multifrost/protocol";
import { INTROSPECTION_NAMES, nearestName } from "@multifrost/protocol/internal";
import { describeMethods } from "./introspection.js";

/** A method of the worker. */
export type Method = (...args: readonly unknown[]) => unknown;

/** What a name means: a method bound to its worker, or why it cannot be called. */
export type Lookup =
  | { readonly found: true; readonly method: Method; readonly metadata?: () => Metadata }
  | { readonly found: false; readonly code: RefusalCode; readonly reason: string };

/** What this worker announces that it understands: an `undefined` argument, for which the default of the parameter applies. */
export const FEATURES: readonly Feature[] = ["undefined"];

/** Characters of an unknown name that an error repeats: the name comes from a peer. */
const MAX_SHOWN = 100;

/**
 * The names of a worker's public methods, sorted: those on the prototypes between the instance and the base class,
 * without names that start with `_`, accessors, the constructor, and names that the base class or `Object.prototype` has.
 */
export function publicMethods(worker: object, base: object): string[] {
  const members = [...publicMembers(worker, base)];
  return members.flatMap(([name, value]) => (isMethod(value) ? [name] : [])).sort();
}

/** The methods that can be called from outside. The table is fixed when the worker starts. */
export class MethodTable {
  readonly #worker: object;
  readonly #base: object;
  /** Public names on the prototypes, whether they can be called or not. */
  readonly #members: ReadonlyMap<string, unknown>;
  readonly #lookups = new Map<string, Lookup>();
  /** The names that can be called, sorted. */
  readonly names: readonly string[];

  /**
   * @param base The prototype whose members cannot be called.
   * @param listed The names the worker offers. Those that are no public method are ignored.
   */
  constructor(worker: object, base: object, listed: readonly string[]) {
    this.#worker = worker;
    this.#base = base;
    this.#members = publicMembers(worker, base);
    const offered = new Map<string, Method>();
    for (const name of [...new Set(listed)].sort()) {
      const method = this.#members.get(name);
      if (isMethod(method)) {
        offered.set(name, method);
        this.#lookups.set(name, { found: true, method: method.bind(worker) });
      }
    }
    this.names = [...offered.keys()];
    const metadata = (): Metadata => ({ features: FEATURES, interface: describeMethods(offered) });
    for (const name of INTROSPECTION_NAMES) {
      if (!offered.has(name)) {
        this.#lookups.set(name, { found: true, method: () => this.names, metadata });
      }
    }
  }

  /** The method of this name, or the reason why it cannot be called. */
  find(name: string): Lookup {
    return this.#lookups.get(name) ?? this.#refuse(name);
  }

  #refuse(name: string): Lookup {
    if (name === "") {
      return { found: false, code: "MISSING_FUNCTION", reason: "Message missing 'function' field" };
    }
    if (name.startsWith("_") && !(name in Object.prototype)) {
      return { found: false, code: "PRIVATE_METHOD", reason: `Cannot call private method '${shown(name)}'` };
    }
    const reason = this.#whyNotCallable(name);
    if (reason !== undefined) {
      return { found: false, code: "NOT_CALLABLE", reason };
    }
    const nearest = nearestName(name, this.names);
    const hint = nearest === undefined ? "" : `; did you mean '${nearest}'?`;
    return { found: false, code: "FUNCTION_NOT_FOUND", reason: `Function '${shown(name)}' not found${hint}` };
  }

  /** `undefined` where the worker has no public member of this name, or has a method that it does not list. */
  #whyNotCallable(name: string): string | undefined {
    const own = isPublic(name, this.#base) ? Object.getOwnPropertyDescriptor(this.#worker, name) : undefined;
    if (isMethod(this.#members.get(name)) || (own === undefined && !this.#members.has(name))) {
      return undefined;
    }
    // The types in @multifrost/parent reject such a property with the same words.
    return isMethod(own?.value)
      ? `'${name}' is a function property, not a method: write ${name}() { … } in the class to make it callable`
      : `'${name}' is not callable`;
  }
}

/** Public names on the prototypes, the one closest to the instance first. Accessors are not run: theirs is `undefined`. */
function publicMembers(worker: object, base: object): Map<string, unknown> {
  const members = new Map<string, unknown>();
  for (let at = Object.getPrototypeOf(worker); at !== null && at !== base; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (isPublic(name, base) && !members.has(name)) {
        members.set(name, Object.getOwnPropertyDescriptor(at, name)?.value);
      }
    }
  }
  return members;
}

function isPublic(name: string, base: object): boolean {
  return !name.startsWith("_") && name !== "constructor" && !(name in base);
}

function isMethod(value: unknown): value is Method {
  return typeof value === "function";
}

function shown(name: string): string {
  return name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name;
}
