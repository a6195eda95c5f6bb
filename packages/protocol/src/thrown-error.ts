// Thrown values in parts, so that the caller can read them: the rules ERR-1 to ERR-6 of docs/protocol.md.

import { type Codec, createCodec } from "./codec.js";
import { createResponse } from "./create-message.js";
import type { ErrorParts, ResponseMessage } from "./messages.js";
import { isError, readPart, textOfThrown, UNREADABLE } from "./thrown-text.js";

/** How deep causes and the errors of an error are described. */
export const MAX_ERROR_DEPTH = 10;

/** How many errors one answer describes, the thrown one included. */
export const MAX_ERRORS = 100;

/** The longest message or stack of the thrown error, in characters. The middle of a longer one is left out. */
const MAX_TEXT = 256 * 1024;

/** The same for a cause, and for each error of an error. */
const MAX_NESTED_TEXT = 16 * 1024;

/** The longest name and code, in characters. */
const MAX_NAME = 1000;

/** The most bytes of all fields that one answer has as data. */
const MAX_DATA_BYTES = 64 * 1024;

/** How many fields of one value are considered. */
const MAX_FIELDS = 100;

/** Classes whose name says nothing about what was thrown. */
const NAMELESS: ReadonlySet<string> = new Set(["", "Object", "Array", "Function"]);

/** Encodes each field alone, to see whether it can be sent. */
let fieldCodec: Codec | undefined;

/** Splits a thrown value into parts that can be sent. Never throws, whatever the value is. */
export function describeThrown(thrown: unknown): ErrorParts {
  return new Description().of(thrown, []);
}

/** One thrown value, with its causes and their fields. */
class Description {
  #errors = 0;
  #dataBytes = 0;

  /** @param around The values that this one is the cause or an error of, outermost first. */
  of(thrown: unknown, around: readonly unknown[]): ErrorParts {
    this.#errors++;
    if (typeof thrown !== "object" || thrown === null) {
      return { name: "Error", message: shorten(textOfThrown(thrown) ?? UNREADABLE, MAX_TEXT) };
    }
    const within = [...around, thrown];
    const longest = around.length === 0 ? MAX_TEXT : MAX_NESTED_TEXT;
    const [code, stack] = [readPart(thrown, "code"), readPart(thrown, "stack")];
    const parts: ErrorParts = { name: nameOf(thrown), message: "" };
    const taken = new Set(["name", "message", "stack"]);
    if (
      (typeof code === "string" && code.length <= MAX_NAME) ||
      (typeof code === "number" && Number.isSafeInteger(code))
    ) {
      parts.code = code;
      taken.add("code");
    }
    if (typeof stack === "string") {
      parts.stack = shorten(stack, longest);
    }
    this.#addNested(parts, thrown, within, taken);
    const data = this.#dataOf(thrown, taken, within);
    if (data !== undefined) {
      parts.data = data;
    }
    parts.message = shorten(textOfThrown(thrown) ?? this.#jsonOf(thrown, data), longest);
    return parts;
  }

  /** Adds the cause, and the errors of an error. What contains itself is cut where it does. */
  #addNested(parts: ErrorParts, thrown: object, around: readonly unknown[], taken: Set<string>): void {
    const cause = readPart(thrown, "cause");
    if (cause !== undefined && cause !== null) {
      taken.add("cause");
      if (this.#mayDescribe(cause, around)) {
        parts.cause = this.of(cause, around);
      }
    }
    const errors = nestedErrors(thrown);
    if (errors !== undefined) {
      taken.add("errors");
      parts.errors = [];
      for (const error of errors) {
        if (this.#mayDescribe(error, around)) {
          parts.errors.push(this.of(error, around));
        }
      }
    }
  }

  #mayDescribe(thrown: unknown, around: readonly unknown[]): boolean {
    return around.length <= MAX_ERROR_DEPTH && this.#errors < MAX_ERRORS && !around.includes(thrown);
  }

  /** The own enumerable fields that can be sent, as they arrive. */
  #dataOf(thrown: object, taken: ReadonlySet<string>, around: readonly unknown[]): Record<string, unknown> | undefined {
    const data: Record<string, unknown> = {};
    let isEmpty = true;
    for (const key of fieldsOf(thrown)) {
      if (!taken.has(key)) {
        const field = readPart(thrown, key);
        const value = around.includes(field) ? undefined : this.#sendable(field, key.length * 3);
        if (value !== undefined) {
          Object.defineProperty(data, key, { value, enumerable: true, configurable: true, writable: true });
          isEmpty = false;
        }
      }
    }
    return isEmpty ? undefined : data;
  }

  /** A copy of a value, as it arrives; `undefined` if it cannot be sent, or is too large. */
  #sendable(value: unknown, keyBytes: number): unknown {
    fieldCodec ??= createCodec({ limits: { maxMessageBytes: MAX_DATA_BYTES, maxDepth: 16 } });
    try {
      const bytes = fieldCodec.encode(createResponse("field", value));
      if (this.#dataBytes + bytes.byteLength + keyBytes > MAX_DATA_BYTES) {
        return undefined;
      }
      const { result } = fieldCodec.decode(bytes) as ResponseMessage;
      this.#dataBytes += bytes.byteLength + keyBytes;
      return result;
    } catch {
      return undefined;
    }
  }

  /** The first items of an array, each `null` if it cannot be sent. */
  #itemsOf(thrown: object): unknown[] | undefined {
    try {
      const items = Array.isArray(thrown) ? thrown.slice(0, MAX_FIELDS) : undefined;
      return items?.map((item) => this.#sendable(item, 0) ?? null);
    } catch {
      return undefined;
    }
  }

  /** The message of an object that has none: its JSON, or that of the fields that can be sent, or its own text. */
  #jsonOf(thrown: object, data: Record<string, unknown> | undefined): string {
    const spent = this.#dataBytes;
    const json = this.#firstJson([
      () => readPart(thrown, "message"),
      () => thrown,
      () => data ?? this.#itemsOf(thrown),
    ]);
    this.#dataBytes = spent;
    return json === undefined || json === "{}" ? (ownText(thrown) ?? json ?? UNREADABLE) : json;
  }

  /** The JSON of the first value that can be sent. */
  #firstJson(values: readonly (() => unknown)[]): string | undefined {
    for (const value of values) {
      this.#dataBytes = 0;
      const shown = value();
      this.#dataBytes = 0;
      const copy = this.#sendable(shown, 0);
      if (copy !== undefined && copy !== null) {
        return JSON.stringify(copy, replaceUnknown);
      }
    }
    return undefined;
  }
}

/** At most `longest` characters: of a longer text the middle is left out. */
function shorten(text: string, longest: number): string {
  const half = longest / 2;
  return text.length <= longest ? text : `${text.slice(0, half)}\n[...]\n${text.slice(-half)}`;
}

/** The name that was set, otherwise that of the class. */
function nameOf(thrown: object): string {
  const name = readPart(thrown, "name");
  if (typeof name === "string" && name !== "" && !isClassDefault(thrown, name)) {
    return name.slice(0, MAX_NAME);
  }
  const className = classOf(prototypeOf(thrown));
  return NAMELESS.has(className) ? "Error" : className.slice(0, MAX_NAME);
}

/** Whether a name comes from the class that it names, such as `Error.prototype`, and so says nothing about a subclass. */
function isClassDefault(thrown: object, name: string): boolean {
  try {
    let holder: object | null = thrown;
    while (holder !== null && !Object.hasOwn(holder, "name")) {
      holder = prototypeOf(holder);
    }
    return holder !== thrown && classOf(holder) === name;
  } catch {
    return false;
  }
}

function prototypeOf(value: object): object | null {
  try {
    return Object.getPrototypeOf(value);
  } catch {
    return null;
  }
}

function classOf(prototype: object | null): string {
  const type = prototype === null ? undefined : readPart(prototype, "constructor");
  const name = typeof type === "function" ? readPart(type, "name") : undefined;
  return typeof name === "string" ? name : "";
}

/** The `errors` of an AggregateError, and of any other error all of whose `errors` are errors. */
function nestedErrors(thrown: object): readonly unknown[] | undefined {
  try {
    const errors = readPart(thrown, "errors");
    if (!isError(thrown) || !Array.isArray(errors)) {
      return undefined;
    }
    const first = errors.slice(0, MAX_ERRORS);
    const isField = Object.prototype.propertyIsEnumerable.call(thrown, "errors");
    return !isField || (first.length > 0 && first.every(isError)) ? first : undefined;
  } catch {
    return undefined;
  }
}

/** The names of an object's own fields; none for arrays and other collections, whose JSON says what is in them. */
function fieldsOf(thrown: object): readonly string[] {
  try {
    const isCollection = Array.isArray(thrown) || ArrayBuffer.isView(thrown);
    return isCollection ? [] : Object.keys(thrown).slice(0, MAX_FIELDS);
  } catch {
    return [];
  }
}

/** The text of an object whose class gives it one, such as a RegExp; otherwise its class. */
function ownText(thrown: object): string | undefined {
  const className = classOf(prototypeOf(thrown));
  try {
    const text = String(thrown);
    if (text !== "" && !text.includes("[object ")) {
      return text;
    }
  } catch {
    // It has no text.
  }
  return NAMELESS.has(className) ? undefined : `[${className}]`;
}

function replaceUnknown(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") {
    return String(value);
  }
  return value instanceof Uint8Array ? [...value] : value;
}
