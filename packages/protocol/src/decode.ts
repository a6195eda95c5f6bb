import {
  Decoder,
  decodeTimestampExtension,
  EXT_TIMESTAMP,
  ExtData,
  ExtensionCodec,
  encodeTimestampExtension,
} from "@msgpack/msgpack";
import { MalformedMessageError } from "./errors/index.js";
import type { MessageLimits } from "./limits.js";
import { checkShape } from "./message-shape.js";
import type { Message } from "./messages.js";
import { type Scan, type Span, scan } from "./scan.js";

/**
 * Turns bytes into a message. Binary values in it are views of the given bytes.
 *
 * Throws `MalformedMessageError`, with the message's id if that could be read: `MALFORMED_MESSAGE`, `LIMIT_EXCEEDED`,
 * `FOREIGN_APP`, `UNKNOWN_TYPE`, `MISSING_ID`.
 */
export type DecodeMessage = (bytes: Uint8Array) => Message;

/**
 * Creates a decoder for the messages of one app. The scan runs first, so the library's decoder reads only well-formed
 * MessagePack within the limits.
 */
export function createDecoder(app: string, limits: MessageLimits): DecodeMessage {
  // The library's decoder refuses `__proto__`. It reads a stand-in instead, which no peer can know.
  const protoStandIn = `__proto__ ${globalThis.crypto.randomUUID()}`;
  const usual = usualDecoder();
  const careful = carefulDecoder(protoStandIn);
  return (given) => {
    // Binary values are plain Uint8Arrays too, whatever the bytes come in.
    const bytes =
      given.constructor === Uint8Array ? given : new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
    const found = scan(bytes, limits);
    if (found.fault !== undefined) {
      throw unreadable(bytes, found);
    }
    const isUsual = !found.protoKey && !found.oddText;
    let value: unknown;
    try {
      value = (isUsual ? usual : careful).decode(bytes);
      if (!isUsual || found.wideIntegers) {
        const binaries = isUsual ? undefined : new Set(found.binaries);
        value = restore(value, { protoStandIn, binaries, offset: bytes.byteOffset });
      }
    } catch (cause) {
      found.fault = { code: "MALFORMED_MESSAGE", what: cause instanceof Error ? cause.message : String(cause) };
      throw unreadable(bytes, found, cause);
    }
    return checkShape(value, app);
  };
}

/** Reads most messages. */
function usualDecoder(): Decoder {
  return new Decoder({ useBigInt64: true, mapKeyConverter: keyOf, extensionCodec: extensions() });
}

/** Reads messages with keys or text that the usual decoder would change. Leaves strings as bytes, except keys. */
function carefulDecoder(protoStandIn: string): Decoder {
  const decode = (bytes: Uint8Array, start: number, length: number): string => {
    const key = readText(bytes.subarray(start, start + length));
    return key === "__proto__" ? protoStandIn : key;
  };
  return new Decoder({
    useBigInt64: true,
    mapKeyConverter: keyOf,
    extensionCodec: extensions(),
    rawStrings: true,
    keyDecoder: { canBeCached: () => true, decode },
  });
}

function extensions(): ExtensionCodec {
  const codec = new ExtensionCodec();
  // Older JavaScript writes an `undefined` among the arguments as extension type 0 with one zero byte.
  codec.register({
    type: 0,
    encode: () => null,
    decode: (data) => (data.length === 1 && data[0] === 0 ? null : new ExtData(0, data)),
  });
  // An invalid Date could not be sent on, not even in the answer to a heartbeat.
  codec.register({
    type: EXT_TIMESTAMP,
    encode: encodeTimestampExtension,
    decode: (data) => {
      const date = decodeTimestampExtension(data);
      return Number.isNaN(date.getTime()) ? new ExtData(EXT_TIMESTAMP, data) : date;
    },
  });
  return codec;
}

function keyOf(key: unknown): string | number {
  if (typeof key === "object" && key !== null) {
    throw new RangeError("a map has a key that is neither text nor number");
  }
  return typeof key === "number" ? key : String(key);
}

function unreadable(bytes: Uint8Array, { fault, idSpan, typeSpan }: Scan, cause?: unknown): MalformedMessageError {
  const { code, what } = fault ?? { code: "MALFORMED_MESSAGE" as const, what: "unreadable" };
  const textAt = (span: Span | undefined): string | undefined => span && readText(bytes.subarray(span.start, span.end));
  return new MalformedMessageError(code, `A message of ${bytes.length} bytes cannot be read: ${what}.`, {
    cause,
    messageId: textAt(idSpan),
    messageType: textAt(typeSpan),
  });
}

/** How to correct a decoded value. */
export interface Restoring {
  /** Stands for the key `__proto__`. */
  readonly protoStandIn: string;
  /** Set if strings were read as bytes: all bytes are text, except those that start at these positions. */
  readonly binaries: ReadonlySet<number> | undefined;
  /** Where the message starts in its buffer. */
  readonly offset: number;
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads UTF-8. Keeps a byte order mark, which the library strips. */
export function readText(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

/**
 * Corrects what the library's decoder cannot return itself: safe integers from 64 bits, `__proto__` keys, text that
 * starts with U+FEFF or is not UTF-8. Changes the decoded value in place and returns its replacement.
 */
export function restore(value: unknown, restoring: Restoring): unknown {
  if (typeof value === "bigint") {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      value[index] = restore(value[index], restoring);
    }
  } else if (value instanceof Uint8Array) {
    const { binaries, offset } = restoring;
    return binaries === undefined || binaries.has(value.byteOffset - offset) ? value : readText(value);
  } else if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    restoreMap(value as Record<string, unknown>, restoring);
  }
  return value;
}

function restoreMap(map: Record<string, unknown>, restoring: Restoring): void {
  for (const key of Object.keys(map)) {
    const value = restore(map[key], restoring);
    if (key === restoring.protoStandIn) {
      delete map[key];
      Object.defineProperty(map, "__proto__", { value, writable: true, enumerable: true, configurable: true });
    } else {
      map[key] = value;
    }
  }
}
