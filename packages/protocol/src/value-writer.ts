import { Encoder, ExtData, encodeTimestampExtension } from "@msgpack/msgpack";
import { type ErrorCode, SerializationError } from "./errors/index.js";
import type { Receiver } from "./features.js";
import type { MessageLimits } from "./limits.js";
import { hasToJson, isArguments, isShared, kindOf, type ObjectKind, refusalOf, unboxed } from "./object-kind.js";
import { ARRAY, MAP, type PackedWriter } from "./packed-writer.js";
import { textOfThrown, UNREADABLE } from "./thrown-text.js";
import { utf8Encoder } from "./utf8.js";

const MAX_UINT64 = 2n ** 64n - 1n;
const MIN_INT64 = -(2n ** 63n);

const SEND_ENTRIES = "send its entries in an array: [...map]";

const HIDDEN_FIELDS =
  "an object without enumerable fields that has others cannot be sent; send a plain object with text keys";

/** An argument that was not given: extension type 0 with one zero byte. */
const NOT_GIVEN = Uint8Array.of(0xd4, 0, 0);

/** Writes what is rare. */
const library = new Encoder({ useBigInt64: true });

/**
 * Writes the values of one message after the other, by the table in docs/protocol.md, in one pass that checks the limits.
 * Nothing is copied but the bytes themselves.
 *
 * `value` throws `SerializationError` with the path of the value (`args[0].cb`): `UNSENDABLE_VALUE` for functions,
 * symbols, promises, weak collections, cycles, invalid dates, integers beyond 64 bits and what cannot be read;
 * `LIMIT_EXCEEDED` beyond a limit; `MESSAGE_TOO_LARGE` as soon as the message is certain to be too large.
 */
export class ValueWriter {
  readonly #limits: MessageLimits;
  readonly #out: PackedWriter;
  #values = 0;
  #objects = 0;
  /** A lower bound of the size of the values so far: the bytes of binary values, and one for each character. */
  #valueBytes = 0;
  /** Where the value at hand is: the root's name and the keys and indices down to it, for error messages. */
  #root = "";
  #steps: (string | number)[] = [];
  /** The arrays and maps around the value at hand, to notice cycles. */
  #containers: (object | undefined)[] = [];
  #depth = 0;
  #maxDepth = 0;

  /** @param out Where values go. */
  constructor(limits: MessageLimits, out: PackedWriter) {
    this.#limits = limits;
    this.#out = out;
  }

  /** Starts the next message. */
  open(): void {
    this.#values = 0;
    this.#objects = 0;
    this.#valueBytes = 0;
    this.#depth = 0;
  }

  /** Lets go of the values of a message that could not be written. */
  abandon(): void {
    this.#steps = [];
    this.#containers = [];
  }

  /**
   * Writes a value.
   *
   * @param root The value's name in errors, such as `result`.
   */
  value(value: unknown, root: string): void {
    if (value === null || typeof value === "boolean") {
      this.#out.byte(value === null ? 0xc0 : value ? 0xc3 : 0xc2);
      return;
    }
    this.#root = root;
    this.#maxDepth = this.#limits.maxDepth;
    try {
      this.#value(value);
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  /**
   * Writes the arguments of a call. Their array does not count as depth. Those at the end that are `undefined` are left out.
   *
   * @param receiver Whether it understands that an argument was not given.
   */
  args(args: readonly unknown[], receiver: Receiver): void {
    this.#root = "args";
    this.#maxDepth = this.#limits.maxDepth + 1;
    try {
      let { length } = args;
      while (length > 0 && args[length - 1] === undefined) {
        length--;
      }
      this.#count();
      this.#objects++;
      this.#beginArray(length);
      this.#containers[0] = args;
      this.#depth = 1;
      for (let index = 0; index < length; index++) {
        this.#steps[0] = index;
        const argument = args[index];
        if (argument === undefined && receiver.features.has("undefined")) {
          this.#count();
          this.#out.packed(NOT_GIVEN);
        } else {
          this.#value(argument);
        }
      }
      this.#depth = 0;
      this.#containers[0] = undefined;
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  /** A getter or a proxy of the user failed. The path still leads to it; what it threw may be anything. */
  #unreadable(error: unknown): SerializationError {
    if (error instanceof SerializationError) {
      return error;
    }
    const reason = textOfThrown(error) ?? UNREADABLE;
    return this.#failure("UNSENDABLE_VALUE", `a value that cannot be read cannot be sent (${reason})`, error);
  }

  #value(value: unknown): void {
    if (++this.#values > this.#limits.maxValues) {
      throw this.#tooMuch("values in one message", "maxValues");
    }
    switch (typeof value) {
      case "string":
        this.#text(value);
        break;
      case "number":
        if (Number.isSafeInteger(value)) {
          this.#out.integer(value);
        } else if (Number.isFinite(value)) {
          this.#out.float(value);
        } else {
          this.#out.byte(0xc0);
        }
        break;
      case "object":
        if (value === null) {
          this.#out.byte(0xc0);
        } else {
          this.#object(value);
        }
        break;
      case "boolean":
        this.#out.byte(value ? 0xc3 : 0xc2);
        break;
      case "undefined":
        this.#out.byte(0xc0);
        break;
      case "bigint":
        this.#bigint(value);
        break;
      default:
        throw this.#unsendable(
          typeof value === "function"
            ? "function cannot be sent; send data, or the name of a method to call"
            : "symbol cannot be sent; send its description",
        );
    }
  }

  #bigint(value: bigint): void {
    if (value > MAX_UINT64 || value < MIN_INT64) {
      throw this.#unsendable("bigint beyond 64 bits cannot be sent; send it as a string");
    }
    if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) {
      this.#out.integer(Number(value));
      return;
    }
    this.#out.integer64(value);
  }

  #text(text: string): void {
    this.#valueBytes += text.length;
    // A UTF-16 unit takes at most three bytes, so only strings near the limit are measured.
    if (text.length * 3 > this.#limits.maxStringBytes || this.#valueBytes > this.#limits.maxMessageBytes) {
      this.#checkText(text);
    }
    this.#out.text(text);
  }

  /** Throws for text that is too long, and for a message that is too large with it. */
  #checkText(text: string): void {
    if (!this.#fits(text)) {
      throw this.#tooMuch("bytes in one string", "maxStringBytes");
    }
    this.#countBytes(0);
  }

  #fits(text: string): boolean {
    const { maxStringBytes } = this.#limits;
    return text.length * 3 <= maxStringBytes || utf8Encoder.encode(text).length <= maxStringBytes;
  }

  #object(value: object): void {
    if (++this.#objects > this.#limits.maxObjects) {
      throw this.#tooMuch("arrays, maps and binary values in one message", "maxObjects");
    }
    if (ArrayBuffer.isView(value)) {
      this.#binary(bytesOf(value));
    } else if (Array.isArray(value)) {
      if (Object.getPrototypeOf(value) !== Array.prototype && hasToJson(value)) {
        this.#json(value);
      } else {
        this.#container(value, "array");
      }
    } else if (Object.getPrototypeOf(value) === Object.prototype) {
      this.#container(value, "plain");
    } else if (value instanceof ExtData) {
      this.#checkBinary(typeof value.data === "function" ? 0 : value.data.byteLength);
      this.#out.packed(library.encode(value));
    } else {
      this.#instance(value, kindOf(value));
    }
  }

  #instance(value: object, kind: ObjectKind): void {
    switch (kind) {
      case "date":
        this.#date(value as Date);
        break;
      case "buffer":
        this.#binary(new Uint8Array(value as ArrayBuffer));
        break;
      case "boxed":
        this.#value(unboxed(value));
        break;
      case "json":
        this.#json(value as { toJSON(key: string): unknown });
        break;
      case "refused":
        throw this.#unsendable(refusalOf(value));
      default:
        this.#container(value, kind);
    }
  }

  /** Writes an object with items or fields. */
  #container(value: object, kind: ObjectKind | "array"): void {
    const depth = this.#depth;
    const containers = this.#containers;
    for (let level = 0; level < depth; level++) {
      if (containers[level] === value) {
        throw this.#unsendable("a value that contains itself cannot be sent");
      }
    }
    if (depth >= this.#maxDepth) {
      throw this.#tooMuch("levels of arrays and maps", "maxDepth");
    }
    containers[depth] = value;
    if (kind === "plain" || kind === "fields") {
      this.#fields(value as Readonly<Record<string, unknown>>, kind === "plain");
    } else if (kind === "array") {
      this.#array(value as readonly unknown[]);
    } else if (kind === "map") {
      this.#map(this.#fieldsOfMap(value as ReadonlyMap<unknown, unknown>));
    } else if (kind === "set") {
      this.#array([...(value as ReadonlySet<unknown>)]);
    } else {
      const { name, message, stack } = value as Error;
      this.#map({ name, message, stack });
    }
    containers[depth] = undefined;
  }

  /** Writes what `toJSON` returns. If that is the object itself, writes its items or fields. */
  #json(value: { toJSON(key: string): unknown }): void {
    const key = this.#depth === 0 ? "" : `${this.#steps[this.#depth - 1]}`;
    const json = value.toJSON(key);
    if (json !== value) {
      this.#value(json);
    } else if (Array.isArray(value)) {
      this.#container(value, "array");
    } else {
      this.#instance(value, kindOf(value, false));
    }
  }

  #date(date: Date): void {
    // Of this realm, as the library wants it.
    const time = new Date(Date.prototype.getTime.call(date));
    const data = Number.isNaN(time.getTime()) ? null : encodeTimestampExtension(time);
    if (data === null) {
      throw this.#unsendable("invalid Date cannot be sent; send null");
    }
    const { length } = data;
    if (length === 12) {
      this.#out.byte(0xc7);
      this.#out.byte(length);
    } else {
      this.#out.byte(length === 4 ? 0xd6 : 0xd7);
    }
    this.#out.byte(0xff);
    this.#out.packed(data);
  }

  #binary(bytes: Uint8Array): void {
    this.#checkBinary(bytes.byteLength);
    this.#out.binary(bytes);
  }

  #checkBinary(length: number): void {
    if (length > this.#limits.maxBinaryBytes) {
      throw this.#tooMuch("bytes in one binary value", "maxBinaryBytes");
    }
    this.#countBytes(length);
  }

  #beginArray(length: number): void {
    if (length > this.#limits.maxArrayLength) {
      throw this.#tooMuch("items in one array", "maxArrayLength");
    }
    this.#out.head(ARRAY, length);
  }

  #array(items: readonly unknown[]): void {
    const { length } = items;
    this.#beginArray(length);
    const depth = this.#depth++;
    for (let index = 0; index < length; index++) {
      this.#steps[depth] = index;
      this.#value(items[index]);
    }
    this.#depth = depth;
  }

  /** Writes an object by its own enumerable fields. Refuses one whose content is elsewhere. */
  #fields(fields: Readonly<Record<string, unknown>>, isPlain: boolean): void {
    const keys = Object.keys(fields);
    const [first] = keys;
    if (first === undefined || first === "0") {
      if (isPlain && isArguments(fields)) {
        this.#array(Array.from(fields as unknown as ArrayLike<unknown>));
        return;
      }
      if (first === undefined && (!isPlain || Reflect.ownKeys(fields).length > 0)) {
        throw this.#unsendable(isPlain ? HIDDEN_FIELDS : refusalOf(fields));
      }
    }
    this.#map(fields, keys);
  }

  #map(fields: Readonly<Record<string, unknown>>, keys: readonly string[] = Object.keys(fields)): void {
    const { length } = keys;
    if (length > this.#limits.maxMapLength) {
      throw this.#tooMuch("keys in one map", "maxMapLength");
    }
    const out = this.#out;
    const { position, largeValues } = out;
    out.head(MAP, length);
    const depth = this.#depth++;
    let absent = 0;
    let isChecked = false;
    for (let index = 0; index < length; index++) {
      const key = keys[index]!;
      this.#steps[depth] = key;
      const field = fields[key];
      if (field === undefined) {
        absent++;
        this.#count();
      } else if (!this.#fits(key)) {
        // The message is refused for the key, unless there is a fault in the value.
        this.#value(field);
      } else {
        const isAscii = out.text(key);
        if (!isAscii && !isChecked && !key.isWellFormed()) {
          isChecked = true;
          if (new Set(keys.map((text) => text.toWellFormed())).size < length) {
            throw this.#unsendable("keys that are equal with U+FFFD for each lone surrogate cannot be sent");
          }
        }
        this.#value(field);
      }
      this.#count();
      this.#valueBytes += key.length;
      this.#checkText(key);
    }
    this.#depth = depth;
    if (absent > 0) {
      out.shortenMap(position, largeValues, length, length - absent);
    }
  }

  /** A Map's keys as text. Keys of other types have none that tells them apart, and keys of equal text would lose a value. */
  #fieldsOfMap(map: ReadonlyMap<unknown, unknown>): Record<string, unknown> {
    const fields = Object.create(null) as Record<string, unknown>;
    for (const [key, value] of map) {
      if ((typeof key === "object" && key !== null) || typeof key === "function" || typeof key === "symbol") {
        throw this.#unsendable(`a Map whose key is of type ${typeof key} cannot be sent; ${SEND_ENTRIES}`);
      }
      const text = String(key);
      if (text in fields) {
        const keys = `the keys ${JSON.stringify(text)} and ${text}`;
        throw this.#unsendable(`a Map with ${keys}, which are the same text, cannot be sent; ${SEND_ENTRIES}`);
      }
      fields[text] = value;
    }
    return fields;
  }

  /** Counts a value or a map's key. */
  #count(): void {
    if (++this.#values > this.#limits.maxValues) {
      throw this.#tooMuch("values in one message", "maxValues");
    }
  }

  /** Refuses a message that is far too large before its large values are copied. */
  #countBytes(bytes: number): void {
    this.#valueBytes += bytes;
    const { maxMessageBytes } = this.#limits;
    if (this.#valueBytes > maxMessageBytes) {
      const what = `more than ${maxMessageBytes} bytes in one message (limits.maxMessageBytes); send it in parts,`;
      throw this.#failure("MESSAGE_TOO_LARGE", `${what} pass a file's path, or raise the limit on both sides`);
    }
  }

  #unsendable(what: string): SerializationError {
    return this.#failure("UNSENDABLE_VALUE", what);
  }

  #tooMuch(what: string, limit: keyof MessageLimits): SerializationError {
    return this.#failure("LIMIT_EXCEEDED", `more than ${this.#limits[limit]} ${what} (limits.${limit})`);
  }

  #failure(code: ErrorCode, what: string, cause?: unknown): SerializationError {
    const path = formatPath(this.#root, this.#steps.slice(0, this.#depth));
    return new SerializationError(code, `${path}: ${what}. Nothing was sent.`, { path, cause });
  }
}

/** The bytes of a typed array. Memory that threads share is copied: it may change at any time. */
function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return isShared(buffer) ? bytes.slice() : bytes;
}

/** `"args"`, `[0, "cb"]` → `args[0].cb`. */
function formatPath(root: string, path: readonly (string | number)[]): string {
  const steps = path.map((step) => {
    if (typeof step === "number") {
      return `[${step}]`;
    }
    return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  });
  return `${root}${steps.join("")}`;
}
