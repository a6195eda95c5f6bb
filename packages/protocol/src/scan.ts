// Walks over a message's bytes before anything is made of them (first half of step 8 and 12): structure, limits, and
// what the decoder must be ready for. So a hostile length or depth costs nothing. Next: decode.ts.

import type { ErrorCode } from "./errors/index.js";
import { HEADS, type Kind } from "./heads.js";
import { ENVELOPE_VALUES, MAX_ID_BYTES, type MessageLimits } from "./limits.js";
import { isUtf8 } from "./utf8.js";

/** What the decoder needs to know of a sound message, or why it is not one. */
export interface Scan {
  /** Has 64-bit integers, which decode to bigint at first. */
  wideIntegers: boolean;
  /** Has a `__proto__` key, which must stay data. */
  protoKey: boolean;
  /**
   * Has text that the library reads in a way of its own: what begins with U+FEFF, which it leaves out as a byte order mark,
   * and short text that is not UTF-8.
   */
  oddText: boolean;
  /** Where binary values start. */
  readonly binaries: number[];
  fault: { code: ErrorCode; what: string } | undefined;
  /** Where the message's own `id` and `type` stand, also if a fault comes after them. */
  idSpan: Span | undefined;
  typeSpan: Span | undefined;
}

/** A string's place in the bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The longest timestamp extension: a date is no binary value. */
const TIMESTAMP_BYTES = 12;

/** Longer text, in bytes, goes to a `TextDecoder` in the library, which reads what is not UTF-8 as U+FFFD. */
const LONGEST_SHORT_TEXT = 200;

/** The walk's place in the bytes, and the containers it is in: how many values each still wants. */
interface Cursor {
  readonly bytes: Uint8Array;
  readonly limits: MessageLimits;
  readonly wanted: number[];
  /** Whether the container at the same depth is a map; then an even number of wanted values means a key is next. */
  readonly maps: boolean[];
  readonly found: Scan;
  at: number;
  values: number;
  /** Levels of the message's own around the field at hand: its map, and the array of arguments. */
  ownLevels: number;
  /** The top-level field whose value is next. */
  field: "idSpan" | "typeSpan" | undefined;
}

/** Scans one message. Never throws; a fault is in the result. */
export function scan(bytes: Uint8Array, limits: MessageLimits): Scan {
  const found: Scan = {
    wideIntegers: false,
    protoKey: false,
    oddText: false,
    binaries: [],
    fault: undefined,
    idSpan: undefined,
    typeSpan: undefined,
  };
  const start = { at: 0, values: 0, ownLevels: 1, field: undefined };
  const cursor: Cursor = { bytes, limits, wanted: [1], maps: [false], found, ...start };
  if (bytes.length > limits.maxMessageBytes) {
    exceeds(cursor, `${bytes.length} bytes`, "maxMessageBytes");
  }
  while (cursor.wanted.length > 0 && found.fault === undefined) {
    step(cursor);
  }
  if (found.fault === undefined && cursor.at < bytes.length) {
    malformed(cursor, `${bytes.length - cursor.at} bytes too many`);
  }
  return found;
}

/** Takes one value or container head, then leaves the containers that are complete. */
function step(cursor: Cursor): void {
  const { wanted, maps } = cursor;
  const depth = wanted.length - 1;
  const isKey = maps[depth] === true && (wanted[depth] as number) % 2 === 0;
  wanted[depth] = (wanted[depth] as number) - 1;
  if (isKey && depth === 1) {
    cursor.ownLevels = 1;
  }
  takeValue(cursor, isKey);
  while (wanted.length > 0 && wanted[wanted.length - 1] === 0) {
    wanted.pop();
    maps.pop();
  }
}

function takeValue(cursor: Cursor, isKey: boolean): void {
  const { bytes, limits } = cursor;
  if (cursor.at >= bytes.length) {
    return malformed(cursor, "it ends too early");
  }
  if (isKey) {
    cursor.field = undefined;
  }
  if (++cursor.values > limits.maxValues + ENVELOPE_VALUES) {
    return exceeds(cursor, "too many values", "maxValues");
  }
  const head = bytes[cursor.at++] as number;
  if (head < 0x80 || head >= 0xe0) {
    return;
  }
  if (head < 0xc0) {
    return takeShort(cursor, head, isKey);
  }
  const [kind, lengthBytes, fixed] = HEADS[head - 0xc0] as (typeof HEADS)[number];
  if (cursor.at + lengthBytes > bytes.length) {
    return malformed(cursor, "it ends too early");
  }
  let length = 0;
  for (let index = 0; index < lengthBytes; index++) {
    length = length * 256 + (bytes[cursor.at++] as number);
  }
  takeSized(cursor, kind, length, fixed, isKey);
}

/** Small maps, arrays and strings have their length in the head byte. */
function takeShort(cursor: Cursor, head: number, isKey: boolean): void {
  if (head < 0x90) {
    return takeContainer(cursor, true, head - 0x80);
  }
  if (head < 0xa0) {
    return takeContainer(cursor, false, head - 0x90);
  }
  takeSized(cursor, "string", head - 0xa0, 0, isKey);
}

function takeSized(cursor: Cursor, kind: Kind, length: number, fixed: number, isKey: boolean): void {
  const { limits, found } = cursor;
  switch (kind) {
    case "invalid":
      return malformed(cursor, "it has the byte 0xc1, which MessagePack does not use");
    case "array":
      return takeContainer(cursor, false, length);
    case "map":
      return takeContainer(cursor, true, length);
    case "string":
      if (length > limits.maxStringBytes) {
        return exceeds(cursor, `a string of ${length} bytes`, "maxStringBytes");
      }
      break;
    case "binary":
    case "extension":
      if (length > limits.maxBinaryBytes && (kind === "binary" || length > TIMESTAMP_BYTES)) {
        return exceeds(cursor, `a binary value of ${length} bytes`, "maxBinaryBytes");
      }
      break;
    case "wide":
      found.wideIntegers = true;
      break;
    case "scalar":
      break;
    default:
      kind satisfies never;
  }
  const start = cursor.at;
  cursor.at += length + fixed;
  if (cursor.at > cursor.bytes.length) {
    return malformed(cursor, "it ends too early");
  }
  if (kind === "string") {
    noteString(cursor, start, length, isKey);
  } else if (kind === "binary") {
    found.binaries.push(start);
  }
}

function takeContainer(cursor: Cursor, isMap: boolean, length: number): void {
  const { limits, wanted, maps } = cursor;
  const limit = isMap ? "maxMapLength" : "maxArrayLength";
  if (length > limits[limit]) {
    return exceeds(cursor, `${isMap ? "a map of" : "an array of"} ${length} items`, limit);
  }
  // `wanted` has one level of its own for the message as a whole.
  if (wanted.length > limits.maxDepth + cursor.ownLevels) {
    return exceeds(cursor, "arrays and maps nested too deep", "maxDepth");
  }
  const values = isMap ? length * 2 : length;
  if (values > cursor.bytes.length - cursor.at) {
    return malformed(cursor, "it announces more items than it has bytes");
  }
  if (values > 0) {
    wanted.push(values);
    maps.push(isMap);
  }
}

/** Notices `__proto__` keys and odd text anywhere, and the message's own id, type and arguments. */
function noteString(cursor: Cursor, start: number, length: number, isKey: boolean): void {
  const { bytes, found, wanted, field } = cursor;
  const isMarked = bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
  if (isMarked || (length <= LONGEST_SHORT_TEXT && !isUtf8(bytes, start, start + length))) {
    found.oddText = true;
  }
  if (isKey) {
    if (length === 9 && hasText(bytes, start, "__proto__")) {
      found.protoKey = true;
    }
    // Level one is the message as a whole, level two its map.
    const isField = wanted.length === 2;
    cursor.field = isField ? topLevelField(bytes, start, length) : undefined;
    if (isField && length === 4 && hasText(bytes, start, "args")) {
      cursor.ownLevels = 2;
    }
  } else if (field !== undefined) {
    cursor.field = undefined;
    if (wanted.length === 2 && length > 0 && length <= MAX_ID_BYTES) {
      found[field] = { start, end: start + length };
    }
  }
}

function topLevelField(bytes: Uint8Array, start: number, length: number): Cursor["field"] {
  if (length === 2 && hasText(bytes, start, "id")) {
    return "idSpan";
  }
  return length === 4 && hasText(bytes, start, "type") ? "typeSpan" : undefined;
}

function hasText(bytes: Uint8Array, start: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (bytes[start + index] !== text.charCodeAt(index)) {
      return false;
    }
  }
  return true;
}

function malformed(cursor: Cursor, what: string): void {
  cursor.found.fault = { code: "MALFORMED_MESSAGE", what };
}

function exceeds(cursor: Cursor, what: string, limit: keyof MessageLimits): void {
  cursor.found.fault = { code: "LIMIT_EXCEEDED", what: `${what}, above limits.${limit} (${cursor.limits[limit]})` };
}
