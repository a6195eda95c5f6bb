import type { ErrorCode } from "./errors/index.js";
import { ENVELOPE_VALUES, MAX_ID_BYTES, type MessageLimits } from "./limits.js";

/** What the decoder needs to know about a message before it reads it. */
export interface Scan {
  /** Contains 64-bit integers, which decode to bigint at first. */
  wideIntegers: boolean;
  /** Contains a `__proto__` key, which must become a plain field. */
  protoKey: boolean;
  /**
   * Contains text that the MessagePack library reads differently: text starting with U+FEFF, which it strips as a byte
   * order mark, and short text that is not UTF-8.
   */
  oddText: boolean;
  /** Where binary values start. */
  readonly binaries: number[];
  /** Why the message cannot be read. */
  fault: { code: ErrorCode; what: string } | undefined;
  /** Where the message's `id` and `type` are, also when a fault comes after them. */
  idSpan: Span | undefined;
  typeSpan: Span | undefined;
}

/** The position of a string in the bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The kind of a MessagePack value, as far as the scan needs it. */
export type Kind = "scalar" | "wide" | "string" | "binary" | "extension" | "array" | "map" | "invalid";

/**
 * Kind, number of length bytes, and number of bytes that always follow, for the head bytes 0xc0 to 0xdf.
 * Source: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
export const HEADS: readonly (readonly [kind: Kind, lengthBytes: number, fixed: number])[] = [
  ["scalar", 0, 0],
  ["invalid", 0, 0],
  ["scalar", 0, 0],
  ["scalar", 0, 0],
  ["binary", 1, 0],
  ["binary", 2, 0],
  ["binary", 4, 0],
  ["extension", 1, 1],
  ["extension", 2, 1],
  ["extension", 4, 1],
  ["scalar", 0, 4],
  ["scalar", 0, 8],
  ["scalar", 0, 1],
  ["scalar", 0, 2],
  ["scalar", 0, 4],
  ["wide", 0, 8],
  ["scalar", 0, 1],
  ["scalar", 0, 2],
  ["scalar", 0, 4],
  ["wide", 0, 8],
  ["extension", 0, 2],
  ["extension", 0, 3],
  ["extension", 0, 5],
  ["extension", 0, 9],
  ["extension", 0, 17],
  ["string", 1, 0],
  ["string", 2, 0],
  ["string", 4, 0],
  ["array", 2, 0],
  ["array", 4, 0],
  ["map", 2, 0],
  ["map", 4, 0],
];

/** The longest timestamp extension, in bytes. A date does not count as a binary value. */
const TIMESTAMP_BYTES = 12;

/** The library reads longer text, in bytes, with a `TextDecoder`, which replaces what is not UTF-8 by U+FFFD. */
const LONGEST_SHORT_TEXT = 200;

const TOO_EARLY = "it ends too early";

/**
 * Checks the structure and the limits of a message before anything is allocated for it, so that a hostile length or
 * depth costs nothing. Never throws; a fault is in the result.
 */
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
  const total = bytes.length;
  if (total > limits.maxMessageBytes) {
    return exceeds(found, `${total} bytes`, limits, "maxMessageBytes");
  }
  // The container around the next value: how many values it still expects. In a map an even number means a key is next.
  let expected = 1;
  let inMap = false;
  // The containers around that one.
  const outerExpected: number[] = [];
  const outerInMap: boolean[] = [];
  // 0: the message itself. 1: its fields.
  let depth = 0;
  let at = 0;
  let values = 0;
  // Levels that belong to the message and not to a value in it: its map, and the array of arguments.
  let ownLevels = 1;
  // The message field whose value is next.
  let field: "idSpan" | "typeSpan" | undefined;

  for (;;) {
    while (expected === 0) {
      if (depth === 0) {
        return at < total ? malformed(found, `${total - at} bytes too many`) : found;
      }
      depth--;
      expected = outerExpected[depth] as number;
      inMap = outerInMap[depth] as boolean;
    }
    const isKey = inMap && expected % 2 === 0;
    expected--;
    if (at >= total) {
      return malformed(found, TOO_EARLY);
    }
    if (isKey) {
      field = undefined;
      ownLevels = depth === 1 ? 1 : ownLevels;
    }
    if (++values > limits.maxValues + ENVELOPE_VALUES) {
      return exceeds(found, "too many values", limits, "maxValues");
    }

    const head = bytes[at++] as number;
    if (head < 0x80 || head >= 0xe0) {
      continue;
    }
    let kind: Kind;
    let length = 0;
    let fixed = 0;
    if (head < 0xc0) {
      // Small maps, arrays and strings have their length in the head byte.
      kind = head < 0x90 ? "map" : head < 0xa0 ? "array" : "string";
      length = head < 0xa0 ? head & 0x0f : head & 0x1f;
    } else {
      const [headKind, lengthBytes, headFixed] = HEADS[head - 0xc0] as (typeof HEADS)[number];
      kind = headKind;
      fixed = headFixed;
      if (at + lengthBytes > total) {
        return malformed(found, TOO_EARLY);
      }
      for (let index = 0; index < lengthBytes; index++) {
        length = length * 256 + (bytes[at++] as number);
      }
    }

    if (kind === "map" || kind === "array") {
      const isMap = kind === "map";
      const limit = isMap ? "maxMapLength" : "maxArrayLength";
      if (length > limits[limit]) {
        return exceeds(found, `${isMap ? "a map of" : "an array of"} ${length} items`, limits, limit);
      }
      if (depth + 1 > limits.maxDepth + ownLevels) {
        return exceeds(found, "arrays and maps nested too deep", limits, "maxDepth");
      }
      const inner = isMap ? length * 2 : length;
      if (inner > total - at) {
        return malformed(found, "it announces more items than it has bytes");
      }
      outerExpected[depth] = expected;
      outerInMap[depth] = inMap;
      depth++;
      expected = inner;
      inMap = isMap;
      continue;
    }

    const start = at;
    if (kind === "string") {
      if (length > limits.maxStringBytes) {
        return exceeds(found, `a string of ${length} bytes`, limits, "maxStringBytes");
      }
    } else if (kind === "binary" || kind === "extension") {
      if (length > limits.maxBinaryBytes && (kind === "binary" || length > TIMESTAMP_BYTES)) {
        return exceeds(found, `a binary value of ${length} bytes`, limits, "maxBinaryBytes");
      }
    } else if (kind === "wide") {
      found.wideIntegers = true;
    } else if (kind === "invalid") {
      return malformed(found, "it has the byte 0xc1, which MessagePack does not use");
    }
    at += length + fixed;
    if (at > total) {
      return malformed(found, TOO_EARLY);
    }
    if (kind === "binary") {
      found.binaries.push(start);
    } else if (kind === "string") {
      const isMarked = bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
      if (isMarked || (length <= LONGEST_SHORT_TEXT && !isUtf8(bytes, start, at))) {
        found.oddText = true;
      }
      if (isKey) {
        if (length === 9 && isText(bytes, start, "__proto__")) {
          found.protoKey = true;
        }
        if (depth === 1) {
          if (length === 2) {
            field = isText(bytes, start, "id") ? "idSpan" : undefined;
          } else if (length === 4) {
            field = isText(bytes, start, "type") ? "typeSpan" : undefined;
            ownLevels = isText(bytes, start, "args") ? 2 : ownLevels;
          }
        }
      } else if (field !== undefined) {
        if (depth === 1 && length > 0 && length <= MAX_ID_BYTES) {
          found[field] = { start, end: at };
        }
        field = undefined;
      }
    }
  }
}

/** The smallest code point that needs this many bytes after the first. */
const LEAST = [0, 0x80, 0x800, 0x1_0000] as const;

/**
 * Whether the bytes from `start` up to `end` are UTF-8: complete, in the shortest form, without lone surrogates.
 * Source: https://www.rfc-editor.org/rfc/rfc3629
 */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const byte = bytes[at++] as number;
    if (byte < 0x80) {
      continue;
    }
    if (byte < 0xc2 || byte > 0xf4) {
      return false;
    }
    const more = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    if (at + more > end) {
      return false;
    }
    let code = byte & (0x3f >> more);
    for (let index = 0; index < more; index++) {
      const next = bytes[at++] as number;
      if (next >> 6 !== 0b10) {
        return false;
      }
      code = (code << 6) | (next & 0x3f);
    }
    if (code < LEAST[more]! || code > 0x10_ffff || (code >= 0xd800 && code <= 0xdfff)) {
      return false;
    }
  }
  return true;
}

function isText(bytes: Uint8Array, start: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (bytes[start + index] !== text.charCodeAt(index)) {
      return false;
    }
  }
  return true;
}

function malformed(found: Scan, what: string): Scan {
  found.fault = { code: "MALFORMED_MESSAGE", what };
  return found;
}

function exceeds(found: Scan, what: string, limits: MessageLimits, limit: keyof MessageLimits): Scan {
  found.fault = { code: "LIMIT_EXCEEDED", what: `${what}, above limits.${limit} (${limits[limit]})` };
  return found;
}
