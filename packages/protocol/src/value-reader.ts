import { decodeTimestampToTimeSpec, EXT_TIMESTAMP, ExtData } from "@msgpack/msgpack";
import type { ErrorCode } from "./errors/index.js";
import { ENVELOPE_VALUES, type MessageLimits } from "./limits.js";

/** Why bytes cannot be read. Internal to the codec; not an `Error`, because hostile bytes must not cost a stack trace. */
export class ReadFault {
  readonly code: ErrorCode;
  readonly what: string;
  readonly cause: unknown;

  constructor(code: ErrorCode, what: string, cause?: unknown) {
    this.code = code;
    this.what = what;
    this.cause = cause;
  }
}

/** The longest timestamp extension, in bytes. A date does not count as a binary value. */
const TIMESTAMP_BYTES = 12;

/** Numbers of several bytes in short messages are copied here: a view of each message takes as long as six numbers. */
const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

/** Messages of this many bytes get a view, in which reading a number takes half the time. */
const VIEWED_BYTES = 512;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The longest text, in bytes, that is read character by character. `TextDecoder` has a fixed cost of about 190 ns;
 * 8 characters take 25 ns.
 */
const LONGEST_SHORT_TEXT = 24;

/** The length of a message id, a UUID, in characters and in bytes. */
export const UUID_LENGTH = 36;

const NO_BYTES = new Uint8Array();

/** What is around an argument: the message and the array of arguments, which does not count as depth. */
export const ARGUMENT_DEPTH = 2;

/** Arrays up to this length are made at their length: pushing to an empty one reserves room for 17 items, and takes twice the time. */
const LONGEST_EXACT = 16;

/** What a value takes in memory, and an array, map or binary value in addition, in bytes: measured with Node 20. */
const VALUE_BYTES = 16;
const OBJECT_BYTES = 128;

/** The longest name a {@link NameCache} keeps, in bytes, and how many names it keeps. */
const LONGEST_NAME = 32;
const NAMES = 2048;

/**
 * Names that were read before: keys of maps and methods come again and again. Looking one up costs half of reading it,
 * and the same string each time lets the engine compare and store keys by reference.
 */
class NameCache {
  readonly #names: (string | undefined)[] = new Array<string | undefined>(NAMES).fill(undefined);

  /** Reads UTF-8 as {@link readText} does. */
  read(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start;
    if (length === 0 || length > LONGEST_NAME) {
      return readText(bytes, start, end);
    }
    // Mixing in all bytes takes longer than reading some names again.
    const last = end - 1;
    const third = length > 2 ? bytes[last - 2]! : 0;
    const second = length > 1 ? bytes[last - 1]! : 0;
    const hash = length * 0x4f1b + bytes[start]! * 0x2545 + third * 0x0107 + second * 0x1003 + bytes[last]! * 0x0193;
    const slot = (hash ^ (hash >>> 11)) & (NAMES - 1);
    const known = this.#names[slot];
    if (known !== undefined && isText(bytes, start, length, known)) {
      return known;
    }
    const name = readText(bytes, start, end);
    // Names that are not ASCII are not kept: their characters cannot be compared with bytes.
    if (name.length === length) {
      this.#names[slot] = name;
    }
    return name;
  }
}

const names = new NameCache();

/**
 * Reads the MessagePack values of one message after the other, in one pass that checks the limits before it allocates:
 * announced lengths and depths cost nothing. An array or a map grows with the items that are really there.
 *
 * Its methods throw {@link ReadFault}.
 */
export class ValueReader {
  readonly #limits: MessageLimits;
  readonly #maxValues: number;
  readonly #maxObjects: number;
  #bytes: Uint8Array = NO_BYTES;
  #numbers: DataView = scratch;
  #at = 0;
  #values = 0;
  #objects = 0;
  #depth = 0;
  #fault: ReadFault | undefined;
  /** How many arrays and maps may be around a value, those of the message itself included. */
  maxDepth: number;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
    this.#maxValues = limits.maxValues + ENVELOPE_VALUES;
    this.#maxObjects = limits.maxObjects + ENVELOPE_VALUES;
    this.maxDepth = limits.maxDepth;
  }

  /** What the values read since {@link open} take in memory, without the bytes of the message: an estimate, in bytes. */
  get valueBytes(): number {
    return this.#values * VALUE_BYTES + this.#objects * OBJECT_BYTES;
  }

  /** Starts with the next message. */
  open(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#at = 0;
    this.#values = 0;
    this.#objects = 0;
    this.#depth = 0;
    this.#fault = undefined;
    const { maxMessageBytes } = this.#limits;
    if (bytes.length > maxMessageBytes) {
      throw this.#exceeded(`${bytes.length} bytes`, "maxMessageBytes");
    }
    if (bytes.length >= VIEWED_BYTES) {
      this.#numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
  }

  /** Ends the message. Throws where bytes are left, and for what was wrong inside of a value. */
  close(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) {
      throw new ReadFault("MALFORMED_MESSAGE", `${left} bytes too many`);
    }
    if (this.#fault !== undefined) {
      throw this.#fault;
    }
    this.#bytes = NO_BYTES;
    this.#numbers = scratch;
  }

  /** Lets go of a message that could not be read, so that it is not kept until the next one. */
  release(): void {
    this.#bytes = NO_BYTES;
    this.#numbers = scratch;
  }

  /**
   * Moves behind these bytes if they come next, and counts their values. Else moves nowhere.
   *
   * @param values How many values begin in them.
   */
  skip(expected: Uint8Array, values: number): boolean {
    const bytes = this.#bytes;
    const { length } = expected;
    let at = this.#at;
    for (let index = 0; index < length; index++) {
      if (bytes[at++] !== expected[index]) {
        return false;
      }
    }
    this.#at = at;
    this.#values += values;
    return true;
  }

  /** Where the next byte is. */
  get at(): number {
    return this.#at;
  }

  /** The first byte of the next value. */
  get head(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** Leaves a map that {@link enterMap} has entered. */
  leaveMap(): void {
    this.#depth--;
  }

  /** Enters a map and returns its number of keys. Reads nothing and returns `undefined` where there is another value. */
  enterMap(): number | undefined {
    const head = this.#bytes[this.#at];
    if (head === undefined || ((head & 0xf0) !== 0x80 && head !== 0xde && head !== 0xdf)) {
      return undefined;
    }
    this.#count();
    this.#at++;
    const length = head < 0xc0 ? head & 0x0f : this.#length(head === 0xde ? 2 : 4);
    this.#enter(length, length * 2, "maxMapLength");
    return length;
  }

  /** Reads a key of a map. A key that is no text is read as the text of its value. */
  key(): string {
    const head = this.#bytes[this.#at];
    if (head !== undefined && head >= 0xa0 && head < 0xc0) {
      this.#count();
      this.#at++;
      return this.text(head & 0x1f, true);
    }
    const key = this.value();
    if (typeof key === "object" && key !== null) {
      const what = "a map has a key that is neither text nor number";
      this.#fault ??= new ReadFault("MALFORMED_MESSAGE", what, new RangeError(what));
      return "";
    }
    return String(key);
  }

  /**
   * Reads a value. Binary values are views of the message.
   *
   * @param isName Whether text is likely to come again, as the name of a method does.
   */
  value(isName = false): unknown {
    this.#count();
    const head = this.#bytes[this.#at++]!;
    if (head < 0x80) {
      return head;
    }
    if (head >= 0xe0) {
      return head - 0x100;
    }
    if (head >= 0xc0) {
      return this.#longValue(head);
    }
    if (head >= 0xa0) {
      return this.text(head & 0x1f, isName);
    }
    return head < 0x90 ? this.#map(head & 0x0f) : this.#array(head & 0x0f);
  }

  /** A value whose head is 0xc0 to 0xdf. Source: https://github.com/msgpack/msgpack/blob/master/spec.md */
  #longValue(head: number): unknown {
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.#binary(this.#length(1));
      case 0xc5:
        return this.#binary(this.#length(2));
      case 0xc6:
        return this.#binary(this.#length(4));
      case 0xc7:
        return this.#longExtension(this.#length(1));
      case 0xc8:
        return this.#longExtension(this.#length(2));
      case 0xc9:
        return this.#longExtension(this.#length(4));
      case 0xca:
        return this.#numbers.getFloat32(this.#takeNumber(4));
      case 0xcb:
        return this.#numbers.getFloat64(this.#takeNumber(8));
      case 0xcc:
        return this.#bytes[this.#take(1)];
      case 0xcd:
        return this.#numbers.getUint16(this.#takeNumber(2));
      case 0xce:
        return this.#numbers.getUint32(this.#takeNumber(4));
      case 0xcf:
        return this.#integer64(this.#takeNumber(8), false);
      case 0xd0:
        return (this.#bytes[this.#take(1)]! << 24) >> 24;
      case 0xd1:
        return this.#numbers.getInt16(this.#takeNumber(2));
      case 0xd2:
        return this.#numbers.getInt32(this.#takeNumber(4));
      case 0xd3:
        return this.#integer64(this.#takeNumber(8), true);
      case 0xd4:
        return this.#extension(1);
      case 0xd5:
        return this.#extension(2);
      case 0xd6:
        return this.#extension(4);
      case 0xd7:
        return this.#extension(8);
      case 0xd8:
        return this.#extension(16);
      case 0xd9:
        return this.text(this.#length(1));
      case 0xda:
        return this.text(this.#length(2));
      case 0xdb:
        return this.text(this.#length(4));
      case 0xdc:
        return this.#array(this.#length(2));
      case 0xdd:
        return this.#array(this.#length(4));
      case 0xde:
        return this.#map(this.#length(2));
      case 0xdf:
        return this.#map(this.#length(4));
      default:
        throw new ReadFault("MALFORMED_MESSAGE", "it has the byte 0xc1, which MessagePack does not use");
    }
  }

  #array(length: number): unknown[] {
    this.#enter(length, length, "maxArrayLength");
    const items = length > LONGEST_EXACT ? [] : new Array<unknown>(length);
    for (let index = 0; index < length; index++) {
      items[index] = this.value();
    }
    this.#depth--;
    return items;
  }

  #map(length: number): Record<string, unknown> {
    this.#enter(length, length * 2, "maxMapLength");
    const map: Record<string, unknown> = {};
    let isSparse = false;
    for (let index = 0; index < length; index++) {
      const key = this.key();
      const value = this.value();
      if (key === "__proto__") {
        Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
        continue;
      }
      if (!isSparse && isIndex(key)) {
        isSparse = true;
        makeSparse(map);
      }
      map[key] = value;
    }
    this.#depth--;
    return map;
  }

  /** @param values How many values the array or map holds, keys included. Each takes a byte at least. */
  #enter(length: number, values: number, limit: "maxArrayLength" | "maxMapLength"): void {
    if (length > this.#limits[limit]) {
      throw this.#exceeded(`${limit === "maxMapLength" ? "a map of" : "an array of"} ${length} items`, limit);
    }
    this.#countObject();
    if (this.#depth >= this.maxDepth) {
      throw this.#exceeded("arrays and maps nested too deep", "maxDepth");
    }
    if (values > this.#bytes.length - this.#at) {
      throw new ReadFault("MALFORMED_MESSAGE", "it announces more items than it has bytes");
    }
    this.#depth++;
  }

  /** Reads text of so many bytes, whose head has been read. See {@link value} for `isName`. */
  text(length: number, isName = false): string {
    if (length > this.#limits.maxStringBytes) {
      throw this.#exceeded(`a string of ${length} bytes`, "maxStringBytes");
    }
    const start = this.#take(length);
    return isName ? names.read(this.#bytes, start, this.#at) : readText(this.#bytes, start, this.#at);
  }

  #binary(length: number): Uint8Array {
    if (length > this.#limits.maxBinaryBytes) {
      throw this.#exceeded(`a binary value of ${length} bytes`, "maxBinaryBytes");
    }
    this.#countObject();
    return this.#view(this.#take(length), length);
  }

  #longExtension(length: number): unknown {
    if (length > this.#limits.maxBinaryBytes && length > TIMESTAMP_BYTES) {
      throw this.#exceeded(`a binary value of ${length} bytes`, "maxBinaryBytes");
    }
    return this.#extension(length);
  }

  #extension(length: number): unknown {
    this.#countObject();
    const start = this.#take(length + 1);
    const type = (this.#bytes[start]! << 24) >> 24;
    const data = this.#view(start + 1, length);
    // An argument that was not given; older JavaScript writes any `undefined` so.
    if (type === 0 && length === 1 && data[0] === 0) {
      const isArgument = this.#depth === ARGUMENT_DEPTH && this.maxDepth > this.#limits.maxDepth + 1;
      return isArgument ? undefined : null;
    }
    return type === EXT_TIMESTAMP ? this.#date(data) : new ExtData(type, data);
  }

  /** A time that no `Date` can hold stays an extension: an invalid `Date` could not be sent on. */
  #date(data: Uint8Array): Date | ExtData {
    try {
      const { sec, nsec } = decodeTimestampToTimeSpec(data);
      // Whole milliseconds: near the year 9999, a number has no room for parts of them and would round up.
      const date = new Date(sec * 1000 + Math.floor(nsec / 1e6));
      return Number.isNaN(date.getTime()) ? new ExtData(EXT_TIMESTAMP, data) : date;
    } catch (cause) {
      this.#fault ??= new ReadFault("MALFORMED_MESSAGE", cause instanceof Error ? cause.message : String(cause), cause);
      return new ExtData(EXT_TIMESTAMP, data);
    }
  }

  /** A plain `Uint8Array`, whatever the message comes in. */
  #view(start: number, length: number): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
  }

  /** Counts a value that begins here. */
  #count(): void {
    if (this.#at >= this.#bytes.length) {
      throw endsTooEarly();
    }
    if (++this.#values > this.#maxValues) {
      throw this.#exceeded("too many values", "maxValues");
    }
  }

  #countObject(): void {
    if (++this.#objects > this.#maxObjects) {
      throw this.#exceeded("too many arrays, maps and binary values", "maxObjects");
    }
  }

  /** Reads a length of 1, 2 or 4 bytes. */
  #length(bytes: number): number {
    let at = this.#take(bytes);
    let length = 0;
    for (const end = at + bytes; at < end; at++) {
      length = length * 256 + this.#bytes[at]!;
    }
    return length;
  }

  /** Moves behind a number. Returns where it is in `#numbers`. */
  #takeNumber(length: number): number {
    const start = this.#take(length);
    if (this.#numbers !== scratch) {
      return start;
    }
    for (let index = 0; index < length; index++) {
      scratchBytes[index] = this.#bytes[start + index]!;
    }
    return 0;
  }

  /** A number where that is exact, else a bigint. */
  #integer64(at: number, isSigned: boolean): number | bigint {
    const numbers = this.#numbers;
    const high = isSigned ? numbers.getInt32(at) : numbers.getUint32(at);
    const value = high * 0x1_0000_0000 + numbers.getUint32(at + 4);
    if (Number.isSafeInteger(value)) {
      return value;
    }
    return isSigned ? numbers.getBigInt64(at) : numbers.getBigUint64(at);
  }

  /** Moves on by so many bytes. Returns where they start. */
  #take(length: number): number {
    const start = this.#at;
    if (length > this.#bytes.length - start) {
      throw endsTooEarly();
    }
    this.#at = start + length;
    return start;
  }

  #exceeded(what: string, limit: keyof MessageLimits): ReadFault {
    const limited = `${what}, above limits.${limit} (${this.#limits[limit]})`;
    return new ReadFault("LIMIT_EXCEEDED", `${limited}; send less in one message, or raise the limit on both sides`);
  }
}

function endsTooEarly(): ReadFault {
  return new ReadFault("MALFORMED_MESSAGE", "it ends too early");
}

/** Whether this key is a number of 2 to 10 digits: the engine keeps it as the index of an element. */
function isIndex(key: string): boolean {
  const { length } = key;
  const first = key.charCodeAt(0);
  return first <= 0x39 && first > 0x30 && length > 1 && length <= 10 && /^\d+$/.test(key);
}

/**
 * Makes the engine keep this object's elements in a table. Otherwise it reserves room for each index below the highest: an
 * object with the key 1023 would take 12 KiB, and a message of 3 MB more than 7 GB.
 */
function makeSparse(map: Record<string, unknown>): void {
  const highest = "4294967294";
  map[highest] = null;
  delete map[highest];
}

/** Reads UTF-8. Keeps a byte order mark; what is not UTF-8 becomes U+FFFD. */
function readText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length <= LONGEST_SHORT_TEXT || length === UUID_LENGTH) {
    let seen = 0;
    for (let at = start; at < end; at++) {
      seen |= bytes[at]!;
    }
    if (seen < 0x80) {
      return length === UUID_LENGTH ? asciiUuid(bytes, start) : shortAscii(bytes, start, end);
    }
  }
  return decoder.decode(new Uint8Array(bytes.buffer, bytes.byteOffset + start, length));
}

const { fromCharCode } = String;

function shortAscii(b: Uint8Array, start: number, end: number): string {
  let text = "";
  let at = start;
  for (; at + 8 <= end; at += 8) {
    text += fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!, b[at + 6]!, b[at + 7]!);
  }
  if (at + 4 <= end) {
    text += fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!);
    at += 4;
  }
  for (; at < end; at++) {
    text += fromCharCode(b[at]!);
  }
  return text;
}

/** 36 characters in one call take 77 ns, and the text is in one piece, as the key of a `Map` must be. */
export function asciiUuid(b: Uint8Array, at: number): string {
  // biome-ignore format: one line for each eight bytes
  return fromCharCode(
    b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!, b[at + 6]!, b[at + 7]!,
    b[at + 8]!, b[at + 9]!, b[at + 10]!, b[at + 11]!, b[at + 12]!, b[at + 13]!, b[at + 14]!, b[at + 15]!,
    b[at + 16]!, b[at + 17]!, b[at + 18]!, b[at + 19]!, b[at + 20]!, b[at + 21]!, b[at + 22]!, b[at + 23]!,
    b[at + 24]!, b[at + 25]!, b[at + 26]!, b[at + 27]!, b[at + 28]!, b[at + 29]!, b[at + 30]!, b[at + 31]!,
    b[at + 32]!, b[at + 33]!, b[at + 34]!, b[at + 35]!,
  );
}

function isText(bytes: Uint8Array, start: number, length: number, text: string): boolean {
  if (text.length !== length) {
    return false;
  }
  for (let index = 0; index < length; index++) {
    if (bytes[start + index] !== text.charCodeAt(index)) {
      return false;
    }
  }
  return true;
}
