// A JavaScript value to one that MessagePack can carry, by the table of docs/protocol.md (part of step 5).
// Values that need no change are passed on as they are, not copied. Next: encode.ts.

import { ExtData } from "@msgpack/msgpack";
import { SerializationError } from "./errors/index.js";
import type { MessageLimits } from "./limits.js";
import { countBytes, countValue, type Size, tooMuch, unreadable, unsendable, type Walk } from "./value-walk.js";

/**
 * Makes a value sendable. `root` names it in errors: `args`, `result`. `ownLevels` are not the value's but the
 * message's, and are not counted as depth: 1 for the array of arguments.
 *
 * Throws `SerializationError` naming the path (`args[0].cb`): `UNSENDABLE_VALUE` for functions, symbols, promises, weak
 * collections, cycles, invalid dates, integers beyond 64 bits and what cannot be read; `LIMIT_EXCEEDED` beyond a limit;
 * `MESSAGE_TOO_LARGE` once it is clear that all of it is.
 */
export type ToSendable = (value: unknown, root: string, ownLevels?: number) => unknown;

const MAX_UINT32 = 0xffff_ffff;
const MIN_INT32 = -0x8000_0000;
const MAX_UINT64 = 2n ** 64n - 1n;
const MIN_INT64 = -(2n ** 63n);

/** Objects that stand for something that lives in this process only. */
const REFUSED_CLASSES = [Promise, WeakMap, WeakSet, WeakRef] as const;

/** For the values of one message, which are counted together in `size`. */
export function createToSendable(limits: MessageLimits, size: Size = { values: 0, bytes: 0 }): ToSendable {
  return (value, root, ownLevels = 0) => {
    if (value === null || value === undefined || typeof value === "boolean") {
      return value;
    }
    const walk: Walk = { limits, path: [root], ancestors: [], maxDepth: limits.maxDepth + ownLevels, size };
    try {
      return sendable(value, walk);
    } catch (error) {
      // A getter or a proxy of the user's failed; the path still leads to it.
      throw error instanceof SerializationError ? error : unreadable(walk, error);
    }
  };
}

function sendable(value: unknown, walk: Walk): unknown {
  countValue(walk);
  switch (typeof value) {
    case "string":
      return sendableString(value, walk);
    case "number":
      return sendableNumber(value);
    case "bigint":
      return sendableBigint(value, walk);
    case "object":
      return value === null ? null : sendableObject(value, walk);
    case "boolean":
    case "undefined":
      return value;
    default:
      throw unsendable(walk, `${typeof value} cannot be sent`);
  }
}

/** A lone surrogate has no UTF-8 form; peers that decode strictly would drop the whole message for it. */
function sendableString(value: string, walk: Walk): string {
  const { maxStringBytes } = walk.limits;
  // A UTF-16 unit takes at most three bytes, so that only strings near the limit are measured.
  if (value.length * 3 > maxStringBytes && new TextEncoder().encode(value).length > maxStringBytes) {
    throw tooMuch(walk, `bytes in one string`, "maxStringBytes");
  }
  countBytes(walk, value.length);
  return value.toWellFormed();
}

/** Integers beyond 32 bits go as bigint, which is what makes the encoder write an integer and not a float. */
function sendableNumber(value: number): number | bigint | null {
  if (!Number.isFinite(value)) {
    return null;
  }
  return Number.isSafeInteger(value) && (value > MAX_UINT32 || value < MIN_INT32) ? BigInt(value) : value;
}

function sendableBigint(value: bigint, walk: Walk): bigint | number {
  if (value > MAX_UINT64 || value < MIN_INT64) {
    throw unsendable(walk, "bigint beyond 64 bits cannot be sent; send it as a string");
  }
  return value >= MIN_INT32 && value <= MAX_UINT32 ? Number(value) : value;
}

function sendableObject(value: object, walk: Walk): unknown {
  if (ArrayBuffer.isView(value)) {
    return sendableBytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), walk);
  }
  if (value instanceof ArrayBuffer) {
    return sendableBytes(new Uint8Array(value), walk);
  }
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) {
      throw unsendable(walk, "invalid Date cannot be sent");
    }
    return value;
  }
  if (value instanceof ExtData) {
    checkBytes(typeof value.data === "function" ? 0 : value.data.byteLength, walk);
    return value;
  }
  const refused = refusedClass(value);
  if (refused !== undefined) {
    throw unsendable(walk, `${refused} cannot be sent${refused === "Promise" ? "; await it first" : ""}`);
  }
  return enter(value, walk);
}

function sendableBytes(bytes: Uint8Array, walk: Walk): Uint8Array {
  checkBytes(bytes.byteLength, walk);
  return bytes;
}

function checkBytes(length: number, walk: Walk): void {
  if (length > walk.limits.maxBinaryBytes) {
    throw tooMuch(walk, "bytes in one binary value", "maxBinaryBytes");
  }
  countBytes(walk, length);
}

function refusedClass(value: object): string | undefined {
  return REFUSED_CLASSES.find((refused) => value instanceof refused)?.name;
}

/** Goes into a container, refusing one that contains itself and more levels than allowed. */
function enter(value: object, walk: Walk): unknown {
  if (walk.ancestors.includes(value)) {
    throw unsendable(walk, "a value that contains itself cannot be sent");
  }
  if (walk.ancestors.length >= walk.maxDepth) {
    throw tooMuch(walk, "levels of arrays and maps", "maxDepth");
  }
  walk.ancestors.push(value);
  const result = sendableContainer(value, walk);
  walk.ancestors.pop();
  return result;
}

function sendableContainer(value: object, walk: Walk): unknown {
  if (Array.isArray(value)) {
    return sendableArray(value, walk);
  }
  if (value instanceof Set) {
    return sendableArray([...value], walk);
  }
  if (value instanceof Map) {
    return sendableFields(mapFields(value, walk), walk);
  }
  if (value instanceof Error) {
    const { name, message, stack } = value;
    return sendableFields({ name, message, stack }, walk);
  }
  return sendableFields(value as Record<string, unknown>, walk);
}

function sendableArray(items: readonly unknown[], walk: Walk): readonly unknown[] {
  if (items.length > walk.limits.maxArrayLength) {
    throw tooMuch(walk, "items in one array", "maxArrayLength");
  }
  let copy: unknown[] | undefined;
  for (let index = 0; index < items.length; index++) {
    walk.path.push(index);
    const item = items[index];
    const sent = sendable(item, walk);
    walk.path.pop();
    if (sent !== item && copy === undefined) {
      copy = items.slice(0, index);
    }
    copy?.push(sent);
  }
  return copy ?? items;
}

function sendableFields(fields: Record<string, unknown>, walk: Walk): Record<string, unknown> {
  const keys = Object.keys(fields);
  if (keys.length > walk.limits.maxMapLength) {
    throw tooMuch(walk, "keys in one map", "maxMapLength");
  }
  let copy: Record<string, unknown> | undefined;
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string;
    walk.path.push(key);
    const field = fields[key];
    const sent = sendable(field, walk);
    countValue(walk);
    const sentKey = sendableString(key, walk);
    walk.path.pop();
    if ((sent !== field || sentKey !== key) && copy === undefined) {
      copy = Object.create(null) as Record<string, unknown>;
      for (const earlier of keys.slice(0, index)) {
        copy[earlier] = fields[earlier];
      }
    }
    if (copy !== undefined) {
      copy[sentKey] = sent;
    }
  }
  return copy ?? fields;
}

/** A Map's keys as strings. Keys that are objects have no telling string form. */
function mapFields(map: ReadonlyMap<unknown, unknown>, walk: Walk): Record<string, unknown> {
  const fields = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of map) {
    if ((typeof key === "object" && key !== null) || typeof key === "function" || typeof key === "symbol") {
      throw unsendable(walk, `a Map whose key is of type ${typeof key} cannot be sent`);
    }
    fields[String(key)] = value;
  }
  return fields;
}
