import { ExtData } from "@msgpack/msgpack";
import { describeThrown } from "./error-message.js";
import { type ErrorCode, SerializationError } from "./errors/index.js";
import type { MessageLimits } from "./limits.js";

const MAX_UINT32 = 0xffff_ffff;
const MIN_INT32 = -0x8000_0000;
const MAX_UINT64 = 2n ** 64n - 1n;
const MIN_INT64 = -(2n ** 63n);

/** Objects that stand for something that exists only in this process. */
const REFUSED_CLASSES = [Promise, WeakMap, WeakSet, WeakRef] as const;

/**
 * Turns the values of one message into values that MessagePack can carry, by the table in docs/protocol.md, and holds
 * them to the limits. Values that need no change are returned as they are, not copied.
 */
export class WireValues {
  readonly #limits: MessageLimits;
  #values = 0;
  #bytes = 0;
  /** Where the value at hand is: the root's name and the keys and indices down to it, for error messages. */
  #root = "";
  readonly #path: (string | number)[] = [];
  /** The arrays and maps around the value at hand, to notice cycles. */
  readonly #ancestors: object[] = [];
  #maxDepth = 0;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  /** A lower bound of the values' size on the wire: the bytes of binary values, and one for each character. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Returns the sendable form of a value.
   *
   * Throws `SerializationError` with the path of the value (`args[0].cb`): `UNSENDABLE_VALUE` for functions, symbols,
   * promises, weak collections, cycles, invalid dates, integers beyond 64 bits and what cannot be read;
   * `LIMIT_EXCEEDED` beyond a limit; `MESSAGE_TOO_LARGE` as soon as the message is certain to be too large.
   *
   * @param root The value's name in errors: `args`, `result`.
   * @param ownLevels Levels that belong to the message and do not count as depth: 1 for the array of arguments.
   */
  convert(value: unknown, root: string, ownLevels = 0): unknown {
    if (value === null || value === undefined || typeof value === "boolean") {
      return value;
    }
    this.#root = root;
    this.#maxDepth = this.#limits.maxDepth + ownLevels;
    try {
      return this.#value(value);
    } catch (error) {
      if (error instanceof SerializationError) {
        throw error;
      }
      // A getter or a proxy of the user failed. The path still leads to it; what it threw may be anything.
      const reason = describeThrown(error).message;
      throw this.#failure("UNSENDABLE_VALUE", `a value that cannot be read cannot be sent (${reason})`, error);
    }
  }

  #value(value: unknown): unknown {
    this.#count();
    switch (typeof value) {
      case "string":
        return this.#string(value);
      case "number":
        if (!Number.isFinite(value)) {
          return null;
        }
        // A bigint makes the library write an integer beyond 32 bits as an integer, not as a float.
        return (value > MAX_UINT32 || value < MIN_INT32) && Number.isSafeInteger(value) ? BigInt(value) : value;
      case "bigint":
        if (value > MAX_UINT64 || value < MIN_INT64) {
          throw this.#unsendable("bigint beyond 64 bits cannot be sent; send it as a string");
        }
        return value >= MIN_INT32 && value <= MAX_UINT32 ? Number(value) : value;
      case "object":
        return value === null ? null : this.#object(value);
      case "boolean":
      case "undefined":
        return value;
      default:
        throw this.#unsendable(`${typeof value} cannot be sent`);
    }
  }

  /** A lone surrogate has no UTF-8 form; peers that decode strictly would drop the whole message because of it. */
  #string(value: string): string {
    const { maxStringBytes } = this.#limits;
    // A UTF-16 unit takes at most three bytes, so only strings near the limit are measured.
    if (value.length * 3 > maxStringBytes && new TextEncoder().encode(value).length > maxStringBytes) {
      throw this.#tooMuch("bytes in one string", "maxStringBytes");
    }
    this.#countBytes(value.length);
    return value.toWellFormed();
  }

  #object(value: object): unknown {
    if (ArrayBuffer.isView(value)) {
      return this.#binary(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    }
    const isArray = Array.isArray(value);
    const isPlain = !isArray && Object.getPrototypeOf(value) === Object.prototype;
    if (!isArray && !isPlain) {
      const leaf = this.#leaf(value);
      if (leaf !== undefined) {
        return leaf;
      }
    }
    if (this.#ancestors.includes(value)) {
      throw this.#unsendable("a value that contains itself cannot be sent");
    }
    if (this.#ancestors.length >= this.#maxDepth) {
      throw this.#tooMuch("levels of arrays and maps", "maxDepth");
    }
    this.#ancestors.push(value);
    const sent = isArray ? this.#array(value) : isPlain ? this.#map(value) : this.#collection(value);
    this.#ancestors.pop();
    return sent;
  }

  /** Handles objects without items or fields: binary data, dates, refused classes. `undefined` for any other object. */
  #leaf(value: object): unknown {
    if (value instanceof ArrayBuffer) {
      return this.#binary(new Uint8Array(value));
    }
    if (value instanceof Date) {
      if (Number.isNaN(value.getTime())) {
        throw this.#unsendable("invalid Date cannot be sent");
      }
      return value;
    }
    if (value instanceof ExtData) {
      this.#checkBinary(typeof value.data === "function" ? 0 : value.data.byteLength);
      return value;
    }
    const refused = REFUSED_CLASSES.find((refusedClass) => value instanceof refusedClass)?.name;
    if (refused !== undefined) {
      throw this.#unsendable(`${refused} cannot be sent${refused === "Promise" ? "; await it first" : ""}`);
    }
    return undefined;
  }

  #binary(bytes: Uint8Array): Uint8Array {
    this.#checkBinary(bytes.byteLength);
    return bytes;
  }

  #checkBinary(length: number): void {
    if (length > this.#limits.maxBinaryBytes) {
      throw this.#tooMuch("bytes in one binary value", "maxBinaryBytes");
    }
    this.#countBytes(length);
  }

  #collection(value: object): unknown {
    if (value instanceof Set) {
      return this.#array([...value]);
    }
    if (value instanceof Map) {
      return this.#map(this.#fieldsOfMap(value));
    }
    if (value instanceof Error) {
      const { name, message, stack } = value;
      return this.#map({ name, message, stack });
    }
    return this.#map(value);
  }

  #array(items: readonly unknown[]): readonly unknown[] {
    if (items.length > this.#limits.maxArrayLength) {
      throw this.#tooMuch("items in one array", "maxArrayLength");
    }
    let copy: unknown[] | undefined;
    for (let index = 0; index < items.length; index++) {
      this.#path.push(index);
      const item = items[index];
      const sent = this.#value(item);
      this.#path.pop();
      if (sent !== item && copy === undefined) {
        copy = items.slice(0, index);
      }
      copy?.push(sent);
    }
    return copy ?? items;
  }

  #map(value: object): object {
    const fields = value as Readonly<Record<string, unknown>>;
    const keys = Object.keys(fields);
    if (keys.length > this.#limits.maxMapLength) {
      throw this.#tooMuch("keys in one map", "maxMapLength");
    }
    let copy: Record<string, unknown> | undefined;
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as string;
      this.#path.push(key);
      const field = fields[key];
      const sent = this.#value(field);
      this.#count();
      const sentKey = this.#string(key);
      this.#path.pop();
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

  /** A Map's keys as strings. Objects and symbols as keys have no meaningful string form. */
  #fieldsOfMap(map: ReadonlyMap<unknown, unknown>): Record<string, unknown> {
    const fields = Object.create(null) as Record<string, unknown>;
    for (const [key, value] of map) {
      if ((typeof key === "object" && key !== null) || typeof key === "function" || typeof key === "symbol") {
        throw this.#unsendable(`a Map whose key is of type ${typeof key} cannot be sent`);
      }
      fields[String(key)] = value;
    }
    return fields;
  }

  /** Counts a value or a map's key. */
  #count(): void {
    if (++this.#values > this.#limits.maxValues) {
      throw this.#tooMuch("values in one message", "maxValues");
    }
  }

  /** Refuses a message that is far too large before it is encoded. */
  #countBytes(bytes: number): void {
    this.#bytes += bytes;
    const { maxMessageBytes } = this.#limits;
    if (this.#bytes > maxMessageBytes) {
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
    const path = formatPath(this.#root, this.#path);
    return new SerializationError(code, `${path}: ${what}. Nothing was sent.`, { path, cause });
  }
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
