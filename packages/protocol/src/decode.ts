// Bytes to a checked message (step 8 and 12). scan.ts has been over them first, so the decoder below meets only sound
// MessagePack within the limits. Next: message-shape.ts.

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
import { readText, restore } from "./restore.js";
import { type Scan, type Span, scan } from "./scan.js";

/**
 * Turns bytes into a message. Binary values in it are views of the bytes given.
 *
 * Throws `MalformedMessageError`, with the message's id where that could be read: `MALFORMED_MESSAGE`,
 * `LIMIT_EXCEEDED`, `FOREIGN_APP`, `UNKNOWN_TYPE`, `MISSING_ID`.
 */
export type DecodeMessage = (bytes: Uint8Array) => Message;

/** Makes a decoder that takes the messages of this app. */
export function createDecoder(app: string, limits: MessageLimits): DecodeMessage {
  // The library's decoder refuses `__proto__`. It reads a stand-in instead, which nobody else can know.
  const protoStandIn = `__proto__ ${globalThis.crypto.randomUUID()}`;
  const decoders = { usual: usualDecoder(), careful: carefulDecoder(protoStandIn) };
  return (given) => {
    const bytes = plain(given);
    const found = scan(bytes, limits);
    if (found.fault !== undefined) {
      throw faultOf(found, bytes);
    }
    return checkShape(read(bytes, found, decoders, protoStandIn), app);
  };
}

/** So that binary values are plain too, and do not depend on where the bytes come from. */
function plain(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The usual one reads most messages; the careful one those with keys or text that the usual one would change. */
interface Decoders {
  readonly usual: Decoder;
  readonly careful: Decoder;
}

function usualDecoder(): Decoder {
  return new Decoder({ useBigInt64: true, mapKeyConverter: keyOf, extensionCodec: extensions() });
}

/** Leaves strings as bytes, but for keys. */
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

function read(bytes: Uint8Array, found: Scan, { usual, careful }: Decoders, protoStandIn: string): unknown {
  const isUsual = !found.protoKey && !found.oddText;
  try {
    const value = (isUsual ? usual : careful).decode(bytes);
    if (isUsual && !found.wideIntegers) {
      return value;
    }
    const binaries = isUsual ? undefined : new Set(found.binaries);
    return restore(value, { protoStandIn, binaries, offset: bytes.byteOffset });
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw faultOf({ ...found, fault: { code: "MALFORMED_MESSAGE", what } }, bytes, cause);
  }
}

function faultOf(found: Scan, bytes: Uint8Array, cause?: unknown): MalformedMessageError {
  const { code, what } = found.fault ?? { code: "MALFORMED_MESSAGE" as const, what: "unreadable" };
  return new MalformedMessageError(code, `A message of ${bytes.length} bytes cannot be read: ${what}.`, {
    cause,
    messageId: textAt(bytes, found.idSpan),
    messageType: textAt(bytes, found.typeSpan),
  });
}

function textAt(bytes: Uint8Array, span: Span | undefined): string | undefined {
  return span && readText(bytes.subarray(span.start, span.end));
}
