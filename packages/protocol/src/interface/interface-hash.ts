// A description in one short word, so that a parent can tell whether a worker is still the one that it was written for.
// Compared by parent/src/check-interface.ts.

import type {
  FieldDescription,
  FunctionDescription,
  InterfaceDescription,
  ParameterDescription,
  ValueType,
} from "./interface-description.js";
import { readInterface } from "./read-interface.js";

/**
 * The hash of what callers depend on: names, parameters, types. Documentation and language are not in it, nor the order
 * in which methods, fields and the members of a union are told. The SHA-256 of that, as 64 hexadecimal digits.
 *
 * A promise, as it is the platform's own hash, `crypto.subtle`, which browsers have on secure pages only.
 */
export async function interfaceHash(description: InterfaceDescription): Promise<string> {
  const text = JSON.stringify(canonical(readInterface(description)));
  const digest = await globalThis.crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function canonical({ functions, types = {} }: InterfaceDescription): unknown {
  return [
    sorted(functions).map(([name, { parameters, returns }]) => [
      name,
      canonicalParameters(parameters),
      typeOf(returns),
    ]),
    sorted(types).map(([name, { fields }]) => [name, sorted(fields).map(([field, told]) => [field, ...fieldOf(told)])]),
  ];
}

/** By code unit, as the same order is to come out everywhere. */
function sorted<V>(named: Readonly<Record<string, V>>): [string, V][] {
  return Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1));
}

function canonicalParameters(parameters: FunctionDescription["parameters"]): unknown {
  return parameters?.map((told: ParameterDescription) => [told.name, ...fieldOf(told), told.rest ?? false]) ?? null;
}

function fieldOf({ type, optional }: FieldDescription): [type: unknown, optional: boolean] {
  return [typeOf(type), optional ?? false];
}

/** What is not known and what may be anything are the same to a caller. */
function typeOf(type: ValueType = "any"): unknown {
  if (typeof type === "string") {
    return type;
  }
  if ("list" in type) {
    return ["list", typeOf(type.list)];
  }
  if ("map" in type) {
    return ["map", typeOf(type.map)];
  }
  if ("tuple" in type) {
    return ["tuple", ...type.tuple.map(typeOf)];
  }
  if ("union" in type) {
    const members = type.union.map((member) => JSON.stringify(typeOf(member)));
    return ["union", ...[...new Set(members)].sort()];
  }
  return "ref" in type ? ["ref", type.ref] : ["literal", type.literal];
}
