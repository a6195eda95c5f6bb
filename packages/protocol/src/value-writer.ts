import { Encoder, ExtData, encodeTimestampExtension } from "@msgpack/msgpack";
import { describeThrown } from "./error-message.js";
import { type ErrorCode, SerializationError } from "./errors/index.js";
import type { MessageLimits } from "./limits.js";
import { utf8Encoder } from "./utf8.js";

/** Messages share buffers of this size, in bytes: one allocation for about a hundred messages. */
const POOL_BYTES = 16 * 1024;

/** Text up to this length, in characters, is written character by character: `TextEncoder` has a fixed cost. */
const SHORT_TEXT = 24;

/** Above these sizes, in bytes and characters, a value is not copied into the pool, but once, into the whole message. */
const LARGE_BINARY = 2 * 1024;
const LARGE_TEXT = 4 * 1024;

const MAX_UINT64 = 2n ** 64n - 1n;
const MIN_INT64 = -(2n ** 63n);

/** The first head bytes of a kind: with the length in the head, and followed by 1, 2 or 4 bytes of length. */
interface Heads {
  readonly short: number;
  /** Lengths below this one are in the head. */
  readonly shortLengths: number;
  readonly length8: number | undefined;
  readonly length16: number;
}

const TEXT: Heads = { short: 0xa0, shortLengths: 32, length8: 0xd9, length16: 0xda };
const BINARY: Heads = { short: 0, shortLengths: 0, length8: 0xc4, length16: 0xc5 };
const ARRAY: Heads = { short: 0x90, shortLengths: 16, length8: undefined, length16: 0xdc };
const MAP: Heads = { short: 0x80, shortLengths: 16, length8: undefined, length16: 0xde };

/** The most bytes that a head, a number or a date takes. */
const MOST_SCALAR_BYTES = 16;

/** Objects that stand for something that exists only in this process. */
const REFUSED_CLASSES = [Promise, WeakMap, WeakSet, WeakRef] as const;

/** Writes what is rare. */
const library = new Encoder({ useBigInt64: true });

/** A large value that is not in the buffer. */
interface Large {
  /** Where it belongs, from the beginning of the message in the buffer. */
  at: number;
  readonly bytes: Uint8Array;
  /** Its size when its head was written, in bytes. A getter may detach its memory. */
  readonly length: number;
}

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
  #buffer = new Uint8Array(POOL_BYTES);
  #view = new DataView(this.#buffer.buffer);
  /** Where the current message starts, and where the next byte goes. */
  #start = 0;
  #at = 0;
  #large: Large[] = [];
  #largeBytes = 0;
  #values = 0;
  /** A lower bound of the size of the values so far: the bytes of binary values, and one for each character. */
  #valueBytes = 0;
  /** Where the value at hand is: the root's name and the keys and indices down to it, for error messages. */
  #root = "";
  #steps: (string | number)[] = [];
  /** The arrays and maps around the value at hand, to notice cycles. */
  #containers: (object | undefined)[] = [];
  #depth = 0;
  #maxDepth = 0;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  /** Starts the next message. */
  open(): void {
    this.#at = this.#start;
    this.#values = 0;
    this.#valueBytes = 0;
    this.#depth = 0;
  }

  /** The size of the message so far, in bytes. */
  get size(): number {
    return this.#at - this.#start + this.#largeBytes;
  }

  /** The message written. Its bytes are not written to again. */
  close(): Uint8Array {
    if (this.#large.length > 0) {
      return this.#joined();
    }
    const message = this.#buffer.subarray(this.#start, this.#at);
    this.#start = this.#at;
    if (this.#buffer.length > POOL_BYTES) {
      // A large message keeps its buffer for itself.
      this.#newBuffer(POOL_BYTES);
    }
    return message;
  }

  /** Forgets a message that could not be written. */
  abandon(): void {
    this.#large = [];
    this.#largeBytes = 0;
    this.#steps = [];
    this.#containers = [];
    if (this.#buffer.length > POOL_BYTES) {
      this.#newBuffer(POOL_BYTES);
    }
  }

  /** Writes a byte. */
  byte(byte: number): void {
    this.#reserve(1);
    this.#buffer[this.#at++] = byte;
  }

  /** Changes the first byte of the message. */
  setFirstByte(byte: number): void {
    this.#buffer[this.#start] = byte;
  }

  /** Writes bytes that are MessagePack already. */
  packed(bytes: Uint8Array): void {
    const { length } = bytes;
    this.#reserve(length);
    const buffer = this.#buffer;
    let at = this.#at;
    for (let index = 0; index < length; index++) {
      buffer[at++] = bytes[index]!;
    }
    this.#at = at;
  }

  /** Writes text that is part of the message and not of a value in it: no limit applies. */
  plainText(text: string): void {
    if (text.length > SHORT_TEXT * 2 || !this.#ascii(text)) {
      this.#anyText(text);
    }
  }

  /** Writes a time. Never as an integer beyond 32 bits, which older implementations do not read. */
  time(seconds: number): void {
    if (Number.isInteger(seconds) && seconds >= -0x8000_0000 && seconds <= 0xffff_ffff) {
      this.#integer(seconds);
    } else {
      this.#float(seconds);
    }
  }

  /**
   * Writes a value.
   *
   * @param root The value's name in errors: `args`, `result`.
   * @param ownLevels Levels that belong to the message and do not count as depth: 1 for the array of arguments.
   */
  value(value: unknown, root: string, ownLevels = 0): void {
    if (value === null || typeof value === "boolean") {
      this.byte(value === null ? 0xc0 : value ? 0xc3 : 0xc2);
      return;
    }
    this.#root = root;
    this.#maxDepth = this.#limits.maxDepth + ownLevels;
    try {
      this.#value(value);
    } catch (error) {
      if (error instanceof SerializationError) {
        throw error;
      }
      // A getter or a proxy of the user failed. The path still leads to it; what it threw may be anything.
      const reason = describeThrown(error).message;
      throw this.#failure("UNSENDABLE_VALUE", `a value that cannot be read cannot be sent (${reason})`, error);
    }
  }

  #value(value: unknown): void {
    this.#count();
    switch (typeof value) {
      case "string":
        this.#text(value);
        break;
      case "number":
        this.#number(value);
        break;
      case "object":
        if (value === null) {
          this.byte(0xc0);
        } else {
          this.#object(value);
        }
        break;
      case "boolean":
        this.byte(value ? 0xc3 : 0xc2);
        break;
      case "undefined":
        this.byte(0xc0);
        break;
      case "bigint":
        this.#bigint(value);
        break;
      default:
        throw this.#unsendable(`${typeof value} cannot be sent`);
    }
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value)) {
      this.#integer(value);
    } else if (Number.isFinite(value)) {
      this.#float(value);
    } else {
      this.byte(0xc0);
    }
  }

  #float(value: number): void {
    this.#reserve(9);
    this.#buffer[this.#at] = 0xcb;
    this.#view.setFloat64(this.#at + 1, value);
    this.#at += 9;
  }

  /** Writes an integer in its shortest form. */
  #integer(value: number): void {
    this.#reserve(9);
    const buffer = this.#buffer;
    const at = this.#at;
    if (value >= 0) {
      if (value < 0x80) {
        buffer[at] = value;
        this.#at = at + 1;
      } else if (value < 0x100) {
        buffer[at] = 0xcc;
        buffer[at + 1] = value;
        this.#at = at + 2;
      } else if (value < 0x1_0000) {
        buffer[at] = 0xcd;
        this.#view.setUint16(at + 1, value);
        this.#at = at + 3;
      } else if (value < 0x1_0000_0000) {
        buffer[at] = 0xce;
        this.#view.setUint32(at + 1, value);
        this.#at = at + 5;
      } else {
        this.#integer64(0xcf, value);
      }
    } else if (value >= -0x20) {
      buffer[at] = value;
      this.#at = at + 1;
    } else if (value >= -0x80) {
      buffer[at] = 0xd0;
      buffer[at + 1] = value;
      this.#at = at + 2;
    } else if (value >= -0x8000) {
      buffer[at] = 0xd1;
      this.#view.setInt16(at + 1, value);
      this.#at = at + 3;
    } else if (value >= -0x8000_0000) {
      buffer[at] = 0xd2;
      this.#view.setInt32(at + 1, value);
      this.#at = at + 5;
    } else {
      this.#integer64(0xd3, value);
    }
  }

  #integer64(head: number, value: number): void {
    const at = this.#at;
    this.#buffer[at] = head;
    this.#view.setInt32(at + 1, Math.floor(value / 0x1_0000_0000));
    this.#view.setUint32(at + 5, value);
    this.#at = at + 9;
  }

  #bigint(value: bigint): void {
    if (value > MAX_UINT64 || value < MIN_INT64) {
      throw this.#unsendable("bigint beyond 64 bits cannot be sent; send it as a string");
    }
    if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) {
      this.#integer(Number(value));
      return;
    }
    this.#reserve(9);
    this.#buffer[this.#at] = value < 0n ? 0xd3 : 0xcf;
    this.#view.setBigInt64(this.#at + 1, value);
    this.#at += 9;
  }

  #text(text: string): void {
    this.#countString(text);
    if (text.length > SHORT_TEXT || !this.#ascii(text)) {
      this.#anyText(text);
    }
  }

  #countString(text: string): void {
    if (!this.#fits(text)) {
      throw this.#tooMuch("bytes in one string", "maxStringBytes");
    }
    this.#countBytes(text.length);
  }

  /** A UTF-16 unit takes at most three bytes, so only strings near the limit are measured. */
  #fits(text: string): boolean {
    const { maxStringBytes } = this.#limits;
    return text.length * 3 <= maxStringBytes || utf8Encoder.encode(text).length <= maxStringBytes;
  }

  /** Writes ASCII text of up to 255 characters. Writes nothing and returns `false` for any other. */
  #ascii(text: string): boolean {
    const { length } = text;
    this.#reserve(length + 2);
    const buffer = this.#buffer;
    let at = this.#at + (length < 32 ? 1 : 2);
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) {
        return false;
      }
      buffer[at++] = code;
    }
    if (length < 32) {
      buffer[this.#at] = 0xa0 + length;
    } else {
      buffer[this.#at] = 0xd9;
      buffer[this.#at + 1] = length;
    }
    this.#at = at;
    return true;
  }

  /** A lone surrogate has no UTF-8 form and becomes U+FFFD: peers that decode strictly would drop the message. */
  #anyText(text: string): void {
    const { length } = text;
    if (length > LARGE_TEXT) {
      const bytes = utf8Encoder.encode(text);
      this.#head(TEXT, bytes.length);
      this.#body(bytes);
      return;
    }
    // Most text is ASCII, so the head has room for that many bytes.
    this.#reserve(length * 3 + 5);
    const headAt = this.#at;
    this.#head(TEXT, length);
    const { written } = utf8Encoder.encodeInto(text, this.#buffer.subarray(this.#at));
    if (written === length) {
      this.#at += written;
      return;
    }
    const bodyAt = this.#at;
    this.#at = headAt;
    this.#head(TEXT, written);
    if (this.#at !== bodyAt) {
      utf8Encoder.encodeInto(text, this.#buffer.subarray(this.#at));
    }
    this.#at += written;
  }

  #object(value: object): void {
    if (ArrayBuffer.isView(value)) {
      this.#binary(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
      return;
    }
    const isArray = Array.isArray(value);
    const isPlain = !isArray && Object.getPrototypeOf(value) === Object.prototype;
    if (!isArray && !isPlain && this.#leaf(value)) {
      return;
    }
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
    if (isArray) {
      this.#array(value);
    } else if (isPlain) {
      this.#map(value as Readonly<Record<string, unknown>>);
    } else {
      this.#collection(value);
    }
    containers[depth] = undefined;
  }

  /** Writes an object without items or fields, or refuses it: binary data, dates. Returns `false` for any other object. */
  #leaf(value: object): boolean {
    if (value instanceof ArrayBuffer) {
      this.#binary(new Uint8Array(value));
      return true;
    }
    if (value instanceof Date) {
      this.#date(value);
      return true;
    }
    if (value instanceof ExtData) {
      this.#checkBinary(typeof value.data === "function" ? 0 : value.data.byteLength);
      this.#body(library.encode(value));
      return true;
    }
    const refused = REFUSED_CLASSES.find((refusedClass) => value instanceof refusedClass)?.name;
    if (refused !== undefined) {
      throw this.#unsendable(`${refused} cannot be sent${refused === "Promise" ? "; await it first" : ""}`);
    }
    return false;
  }

  #date(date: Date): void {
    const data = Number.isNaN(date.getTime()) ? null : encodeTimestampExtension(date);
    if (data === null) {
      throw this.#unsendable("invalid Date cannot be sent");
    }
    const { length } = data;
    this.#reserve(MOST_SCALAR_BYTES);
    if (length === 12) {
      this.byte(0xc7);
      this.byte(length);
    } else {
      this.byte(length === 4 ? 0xd6 : 0xd7);
    }
    this.byte(0xff);
    this.packed(data);
  }

  #binary(bytes: Uint8Array): void {
    this.#checkBinary(bytes.byteLength);
    this.#head(BINARY, bytes.byteLength);
    this.#body(bytes);
  }

  #checkBinary(length: number): void {
    if (length > this.#limits.maxBinaryBytes) {
      throw this.#tooMuch("bytes in one binary value", "maxBinaryBytes");
    }
    this.#countBytes(length);
  }

  #collection(value: object): void {
    if (value instanceof Set) {
      this.#array([...value]);
    } else if (value instanceof Map) {
      this.#map(this.#fieldsOfMap(value));
    } else if (value instanceof Error) {
      const { name, message, stack } = value;
      this.#map({ name, message, stack });
    } else {
      this.#map(value as Readonly<Record<string, unknown>>);
    }
  }

  #array(items: readonly unknown[]): void {
    const { length } = items;
    if (length > this.#limits.maxArrayLength) {
      throw this.#tooMuch("items in one array", "maxArrayLength");
    }
    this.#head(ARRAY, length);
    const depth = this.#depth++;
    for (let index = 0; index < length; index++) {
      this.#steps[depth] = index;
      this.#value(items[index]);
    }
    this.#depth = depth;
  }

  #map(fields: Readonly<Record<string, unknown>>): void {
    const keys = Object.keys(fields);
    const { length } = keys;
    if (length > this.#limits.maxMapLength) {
      throw this.#tooMuch("keys in one map", "maxMapLength");
    }
    const headAt = this.#at - this.#start;
    const { length: largeBefore } = this.#large;
    const [values, valueBytes] = [this.#values, this.#valueBytes];
    this.#head(MAP, length);
    const depth = this.#depth++;
    let absent = 0;
    let isOdd = false;
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
        if (!this.#key(key) && !isOdd) {
          isOdd = true;
          const copy = withoutEqualKeys(fields, keys);
          if (copy !== undefined) {
            this.#forgetFrom(headAt, largeBefore);
            [this.#depth, this.#values, this.#valueBytes] = [depth, values, valueBytes];
            this.#map(copy);
            return;
          }
        }
        this.#value(field);
      }
      this.#count();
      this.#countString(key);
    }
    this.#depth = depth;
    if (absent > 0) {
      this.#shortenMap(headAt, largeBefore, length, length - absent);
    }
  }

  /** Writes a map's key. Returns whether it is well-formed, and so written as it is. */
  #key(key: string): boolean {
    if (key.length <= SHORT_TEXT && this.#ascii(key)) {
      return true;
    }
    this.#anyText(key);
    return key.isWellFormed();
  }

  /** Takes back what was written of the message from here on. */
  #forgetFrom(at: number, largeBefore: number): void {
    this.#at = this.#start + at;
    for (const { length } of this.#large.splice(largeBefore)) {
      this.#largeBytes -= length;
    }
  }

  /** Writes the head of a map again, for fewer keys. A shorter head moves what follows it. */
  #shortenMap(headAt: number, largeBefore: number, announced: number, length: number): void {
    const from = this.#start + headAt;
    const end = this.#at;
    const bodyAt = from + headBytes(MAP, announced);
    this.#at = from;
    this.#head(MAP, length);
    const moved = bodyAt - this.#at;
    if (moved > 0) {
      this.#buffer.copyWithin(this.#at, bodyAt, end);
      for (let index = largeBefore; index < this.#large.length; index++) {
        this.#large[index]!.at -= moved;
      }
    }
    this.#at = end - moved;
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

  /** Writes the head of text, binary data, an array or a map. */
  #head({ short, shortLengths, length8, length16 }: Heads, length: number): void {
    this.#reserve(5);
    const buffer = this.#buffer;
    const at = this.#at;
    if (length < shortLengths) {
      buffer[at] = short + length;
      this.#at = at + 1;
    } else if (length8 !== undefined && length < 0x100) {
      buffer[at] = length8;
      buffer[at + 1] = length;
      this.#at = at + 2;
    } else if (length < 0x1_0000) {
      buffer[at] = length16;
      this.#view.setUint16(at + 1, length);
      this.#at = at + 3;
    } else {
      buffer[at] = length16 + 1;
      this.#view.setUint32(at + 1, length);
      this.#at = at + 5;
    }
  }

  /** Writes the bytes of text or binary data, or remembers where they belong. */
  #body(bytes: Uint8Array): void {
    const { length } = bytes;
    if (length > LARGE_BINARY) {
      this.#large.push({ at: this.#at - this.#start, bytes, length });
      this.#largeBytes += length;
    } else {
      this.#reserve(length);
      this.#buffer.set(bytes, this.#at);
      this.#at += length;
    }
  }

  /** The message with its large values, in a buffer for itself. */
  #joined(): Uint8Array {
    const message = new Uint8Array(this.size);
    let from = this.#start;
    let to = 0;
    for (const { at, bytes, length } of this.#large) {
      if (bytes.length !== length) {
        throw this.#unsendable("binary data whose memory was given away meanwhile cannot be sent");
      }
      const small = this.#buffer.subarray(from, this.#start + at);
      message.set(small, to);
      message.set(bytes, to + small.length);
      from += small.length;
      to += small.length + bytes.length;
    }
    message.set(this.#buffer.subarray(from, this.#at), to);
    this.abandon();
    return message;
  }

  /** Makes room. A message that does not fit moves to a new buffer with what is written of it. */
  #reserve(bytes: number): void {
    if (this.#at + bytes > this.#buffer.length) {
      const written = this.#buffer.subarray(this.#start, this.#at);
      this.#newBuffer(written.length + bytes <= POOL_BYTES ? POOL_BYTES : (written.length + bytes) * 2);
      this.#buffer.set(written);
      this.#at = written.length;
    }
  }

  #newBuffer(bytes: number): void {
    this.#buffer = new Uint8Array(bytes);
    this.#view = new DataView(this.#buffer.buffer);
    this.#start = 0;
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

/** Lone surrogates make keys equal. If there are such keys, returns a copy with the last of them, in the place of the first. */
function withoutEqualKeys(
  fields: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): Record<string, unknown> | undefined {
  const last = new Map(keys.map((key) => [key.toWellFormed(), key]));
  if (last.size === keys.length) {
    return undefined;
  }
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [sentKey, key] of last) {
    copy[sentKey] = fields[key];
  }
  return copy;
}

function headBytes({ shortLengths, length8 }: Heads, length: number): number {
  if (length < shortLengths) {
    return 1;
  }
  return length8 !== undefined && length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5;
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
