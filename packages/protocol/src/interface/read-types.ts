// A type as a peer describes it, checked. Part of read-interface.ts.

import type { ValueType } from "./interface-description.js";

/** Types inside each other; one that is deeper is `any`. */
const MAX_DEPTH = 32;

/** Longest name or text literal, in characters. */
const MAX_TEXT = 1_000;

const PLAIN: ReadonlySet<unknown> = new Set(["any", "nil", "bool", "int", "float", "str", "bytes", "time"]);

/** How many types, parameters and fields may still be read. Beyond, whatever comes is `any`, or left out. */
export interface Budget {
  left: number;
}

/** Reads one type; `undefined` where there is none, or one of a kind that is not known here. */
export function readType(value: unknown, budget: Budget, depth = 0): ValueType | undefined {
  if (value === undefined) {
    return undefined;
  }
  if (depth >= MAX_DEPTH || budget.left <= 0) {
    return "any";
  }
  budget.left--;
  if (PLAIN.has(value)) {
    return value as ValueType;
  }
  return isMap(value) ? readCompound(value, budget, depth + 1) : undefined;
}

function readCompound(value: Fields, budget: Budget, depth: number): ValueType | undefined {
  const inner = (type: unknown): ValueType => readType(type, budget, depth) ?? "any";
  if (Object.hasOwn(value, "list")) {
    return { list: inner(value.list) };
  }
  if (Object.hasOwn(value, "map")) {
    return { map: inner(value.map) };
  }
  if (Array.isArray(value.tuple)) {
    return { tuple: readMembers(value.tuple, budget, inner) };
  }
  if (Array.isArray(value.union)) {
    return { union: readMembers(value.union, budget, inner) };
  }
  return readLeaf(value);
}

/** What is beyond the budget is cut, and what is left ends in `any`. */
function readMembers(members: readonly unknown[], budget: Budget, inner: (type: unknown) => ValueType) {
  return members.slice(0, budget.left + 1).map(inner);
}

function readLeaf({ literal, ref }: Fields): ValueType | undefined {
  const name = readText(ref);
  if (name !== undefined) {
    return { ref: name };
  }
  if (typeof literal === "boolean") {
    return { literal };
  }
  if (typeof literal === "number" && Number.isSafeInteger(literal)) {
    // −0 is 0, as everywhere.
    return { literal: literal + 0 };
  }
  // Beyond what can be told exactly, the kind of it is what is left.
  const text = readText(literal);
  return text === undefined ? kindOf(literal) : { literal: text };
}

function kindOf(literal: unknown): ValueType | undefined {
  return typeof literal === "bigint" ? "int" : typeof literal === "string" ? "str" : undefined;
}

/** A name or other short text, without half surrogate pairs; `undefined` for anything else. */
export function readText(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= MAX_TEXT ? value.toWellFormed() : undefined;
}

/** Decoded data that is a map. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether it is a map, as a decoder or `JSON.parse` makes one. */
export function isMap(value: unknown): value is Fields {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
