// Step 10 of a call: a name from the wire to the function it means, or the reason why not. Nothing else is callable.
// Next: answer.ts.

import type { Metadata, RefusalCode } from "@multifrost/protocol";
import { INTROSPECTION_NAMES } from "@multifrost/protocol/internal";
import { describeMethods } from "./describe-methods.js";
import { nearestName } from "./nearest-name.js";

/** A method of the worker, ready to be called. */
export type Method = (...args: readonly unknown[]) => unknown;

/** What a name means. */
export type Lookup =
  | { readonly found: true; readonly method: Method; readonly metadata?: () => Metadata }
  | { readonly found: false; readonly code: RefusalCode; readonly reason: string };

/** The methods that can be called from outside. */
export interface MethodTable {
  readonly names: readonly string[];
  find(name: string): Lookup;
}

/** Longest part of an unknown name that an error repeats, in characters: it comes from a peer. */
const MAX_SHOWN = 100;

/** Every implementation's name for introspection. */
const INTROSPECTION: ReadonlySet<string> = new Set(INTROSPECTION_NAMES);

/**
 * The public methods of a worker: those on the prototypes between the instance and the base class, without names that
 * start with `_`, accessors, the constructor, and names that the base class or `Object.prototype` has.
 */
export function publicMethods(worker: object, base: object): string[] {
  const names = new Set<string>();
  for (const prototype of prototypesBelow(worker, base)) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      if (isPublic(name, base) && typeof methodOf(worker, base, name) === "function") {
        names.add(name);
      }
    }
  }
  return [...names].sort();
}

/**
 * Makes the table from the names that the worker lists, so that a worker that overrides `listFunctions` to list fewer
 * also offers fewer. Introspection answers with the table's own names, exactly what can be called, and tells under
 * `metadata` what is known of each.
 */
export function createMethodTable(worker: object, base: object, list: () => readonly string[]): MethodTable {
  const methods = new Map<string, Lookup>();
  const offered = new Map<string, Method>();
  const listed = new Set(list());
  for (const name of publicMethods(worker, base).filter((method) => listed.has(method))) {
    const method = methodOf(worker, base, name) as Method;
    offered.set(name, method);
    methods.set(name, { found: true, method: (...args) => Reflect.apply(method, worker, args) });
  }
  const names = [...offered.keys()];
  const metadata = (): Metadata => ({ interface: describeMethods(offered) });
  for (const name of INTROSPECTION) {
    if (!methods.has(name)) {
      methods.set(name, { found: true, method: () => names, metadata });
    }
  }
  return { names, find: (name) => methods.get(name) ?? refuse(worker, base, name, names) };
}

function refuse(worker: object, base: object, name: string, names: readonly string[]): Lookup {
  if (name === "") {
    return { found: false, code: "MISSING_FUNCTION", reason: "Message missing 'function' field" };
  }
  if (name.startsWith("_") && !(name in Object.prototype)) {
    return { found: false, code: "PRIVATE_METHOD", reason: `Cannot call private method '${shown(name)}'` };
  }
  if (isPublic(name, base) && isMember(worker, base, name) && typeof methodOf(worker, base, name) !== "function") {
    return { found: false, code: "NOT_CALLABLE", reason: `'${name}' is not callable` };
  }
  const nearest = nearestName(name, names);
  const hint = nearest === undefined ? "" : `; did you mean '${nearest}'?`;
  return { found: false, code: "FUNCTION_NOT_FOUND", reason: `Function '${shown(name)}' not found${hint}` };
}

function shown(name: string): string {
  return name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name;
}

function isPublic(name: string, base: object): boolean {
  return !name.startsWith("_") && name !== "constructor" && !(name in base);
}

/** Accessors are not run: what they return is not a method of the worker. */
function methodOf(worker: object, base: object, name: string): unknown {
  for (const prototype of prototypesBelow(worker, base)) {
    const property = Object.getOwnPropertyDescriptor(prototype, name);
    if (property !== undefined) {
      return property.value;
    }
  }
  return undefined;
}

function isMember(worker: object, base: object, name: string): boolean {
  return (
    Object.hasOwn(worker, name) || prototypesBelow(worker, base).some((prototype) => Object.hasOwn(prototype, name))
  );
}

function prototypesBelow(worker: object, base: object): object[] {
  const prototypes: object[] = [];
  for (let at = Object.getPrototypeOf(worker); at !== null && at !== base; at = Object.getPrototypeOf(at)) {
    prototypes.push(at);
  }
  return prototypes;
}
