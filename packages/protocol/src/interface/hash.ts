import type {
  FieldDescription,
  FunctionDescription,
  InterfaceDescription,
  ParameterDescription,
  ValueType,
} from "./description.js";
import { readInterface } from "./read-interface.js";

/**
 * Returns the hash of what callers depend on: names, parameters, types. Compare it to notice that a worker's interface
 * has changed. Documentation, language, and the order of methods, fields and union members do not change it.
 *
 * It is a SHA-256 as 64 hexadecimal digits, computed with `crypto.subtle`, which browsers provide on secure pages only.
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
    sorted(types).map(([name, { fields }]) => [
      name,
      sorted(fields).map(([field, description]) => [field, ...fieldOf(description)]),
    ]),
  ];
}

/** By code unit, so that the order is the same everywhere. */
function sorted<V>(named: Readonly<Record<string, V>>): [string, V][] {
  return Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1));
}

function canonicalParameters(parameters: FunctionDescription["parameters"]): unknown {
  return (
    parameters?.map((parameter: ParameterDescription) => [
      parameter.name,
      ...fieldOf(parameter),
      parameter.rest ?? false,
    ]) ?? null
  );
}

function fieldOf({ type, optional }: FieldDescription): [type: unknown, optional: boolean] {
  return [typeOf(type), optional ?? false];
}

/** To a caller, an unknown type and `any` are the same. */
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
