// What kind of value an object is, by its brand and not by its class: a value of another realm (a test runner's, `vm`) has other
// classes.

import { readPart } from "./thrown-text.js";

/** How an object that is no array and no typed array is sent. `json`: as what its `toJSON` returns. */
export type ObjectKind =
  | "plain"
  | "fields"
  | "map"
  | "set"
  | "date"
  | "buffer"
  | "boxed"
  | "error"
  | "json"
  | "refused";

/** A built-in class. What only its instances have is read to tell them from an object that has just the name. */
interface Brand {
  readonly kind: ObjectKind;
  readonly type: abstract new (...args: never[]) => object;
  readonly read: (this: never) => unknown;
}

const BRANDS: Readonly<Record<string, Brand>> = {
  Map: { kind: "map", type: Map, read: getter(Map.prototype, "size") },
  Set: { kind: "set", type: Set, read: getter(Set.prototype, "size") },
  Date: { kind: "date", type: Date, read: Date.prototype.getTime },
  ArrayBuffer: { kind: "buffer", type: ArrayBuffer, read: getter(ArrayBuffer.prototype, "byteLength") },
  Number: { kind: "boxed", type: Number, read: Number.prototype.valueOf },
  String: { kind: "boxed", type: String, read: String.prototype.valueOf },
  Boolean: { kind: "boxed", type: Boolean, read: Boolean.prototype.valueOf },
  BigInt: { kind: "boxed", type: BigInt as never, read: BigInt.prototype.valueOf },
};

/** For classes that have names of their own: a subclass may have changed its. */
const SUBCLASSED: readonly Brand[] = ["Map", "Set", "Date", "ArrayBuffer"].map((name) => BRANDS[name]!);

const READ_IT_FIRST = "read it, and send what it gives";
const SEND_ITEMS = "send its items in an array: [...value]";

/** What to send instead of an instance of these classes. They are refused whatever fields were added to them. */
const INSTEAD: Readonly<Record<string, string>> = {
  Promise: "await it first",
  WeakMap: "send a Map",
  WeakSet: "send a Set",
  WeakRef: "send what it refers to: value.deref()",
  FinalizationRegistry: "leave it out",
  RegExp: "send its source and its flags",
  SharedArrayBuffer: "send a copy: new Uint8Array(value).slice()",
  URLSearchParams: "send its text, value.toString(), or its items in an array: [...value]",
  Headers: SEND_ITEMS,
  FormData: SEND_ITEMS,
  Blob: "send new Uint8Array(await value.arrayBuffer())",
  File: "send new Uint8Array(await value.arrayBuffer())",
  Request: "send what it holds, such as await value.text()",
  Response: "send what it holds, such as await value.text()",
  ReadableStream: READ_IT_FIRST,
  WritableStream: "keep it here, and send the data",
  TransformStream: "keep it here, and send the data",
  AbortSignal: "give it to the call as its option signal",
  AbortController: "give its signal to the call as the option signal",
  Symbol: "send its description",
};

const SEND_FIELDS = "send a plain object of what is needed, or give its class a toJSON method";

/**
 * The kind of an object. May throw what a getter or a proxy of the user throws.
 *
 * @param honoursJson Whether a `toJSON` method counts. Default: true.
 */
export function kindOf(value: object, honoursJson = true): ObjectKind {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) {
    return "plain";
  }
  const tag = tagOf(value);
  const brand = Object.hasOwn(BRANDS, tag) ? BRANDS[tag] : SUBCLASSED.find(({ type }) => value instanceof type);
  if (brand !== undefined && has(value, brand)) {
    const isCollection = brand.kind === "map" || brand.kind === "set";
    return isCollection && honoursJson && hasToJson(value) ? "json" : brand.kind;
  }
  if (value instanceof Error || (tag === "Error" && !(Symbol.toStringTag in value))) {
    return "error";
  }
  if (honoursJson && hasToJson(value)) {
    return "json";
  }
  return Object.hasOwn(INSTEAD, tag) || isThenable(value) || isStream(value) || isIterator(value)
    ? "refused"
    : "fields";
}

/** Whether an object has a `toJSON` method. */
export function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return "toJSON" in value && typeof value.toJSON === "function";
}

/** The primitive in a `Number`, `String`, `Boolean` or `BigInt` object. */
export function unboxed(value: object): unknown {
  return BRANDS[tagOf(value)]?.read.call(value as never);
}

/** Whether other threads can change this memory. */
export function isShared(buffer: ArrayBufferLike): boolean {
  return !(buffer instanceof ArrayBuffer) && tagOf(buffer) === "SharedArrayBuffer";
}

/** The `arguments` of a function look like a plain object with the keys 0, 1, … */
export function isArguments(value: object): boolean {
  return tagOf(value) === "Arguments" && !(Symbol.toStringTag in value);
}

/** Why an object is refused, and what to send instead. For an object without enumerable fields, too. */
export function refusalOf(value: object): string {
  const tag = tagOf(value);
  const name = nameOf(value, tag);
  const instead = [name, tag].find((known) => Object.hasOwn(INSTEAD, known));
  return `${name} cannot be sent; ${instead === undefined ? insteadOf(value) : INSTEAD[instead]}`;
}

function insteadOf(value: object): string {
  if (isThenable(value)) {
    return "await it first";
  }
  if (isStream(value)) {
    return READ_IT_FIRST;
  }
  if (Symbol.asyncIterator in value) {
    return "collect its items in an array, and send that";
  }
  return Symbol.iterator in value ? SEND_ITEMS : SEND_FIELDS;
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** The name of the class. */
function nameOf(value: object, tag: string): string {
  const type = readPart(value, "constructor");
  const name = typeof type === "function" ? readPart(type, "name") : undefined;
  return typeof name === "string" && name !== "" && name !== "Object" && name !== "Function" ? name : tag;
}

function has(value: object, { read }: Brand): boolean {
  try {
    read.call(value as never);
    return true;
  } catch {
    return false;
  }
}

function isThenable(value: object): boolean {
  return "then" in value && typeof value.then === "function";
}

/** A stream of the Web or of Node. */
function isStream(value: object): boolean {
  return (
    "getReader" in value ||
    "getWriter" in value ||
    ("pipe" in value && "on" in value && typeof value.pipe === "function")
  );
}

function isIterator(value: object): boolean {
  return (
    "next" in value && typeof value.next === "function" && (Symbol.iterator in value || Symbol.asyncIterator in value)
  );
}

function getter(prototype: object, name: string): (this: never) => unknown {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get as (this: never) => unknown;
}
