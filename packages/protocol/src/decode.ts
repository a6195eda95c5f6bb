// Bytes to a checked message (step 8 and 12). scan.ts has been over them first, so the decoder below meets only sound
// MessagePack within the limits. Next: message-shape.ts.

import { Decoder, ExtData, ExtensionCodec } from "@msgpack/msgpack";
import { MalformedMessageError } from "./errors/index.js";
import type { MessageLimits } from "./limits.js";
import { checkShape } from "./message-shape.js";
import type { Message } from "./messages.js";
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
  const usual = newDecoder();
  const protoSafe = newDecoder(protoStandIn);
  return (bytes) => {
    const found = scan(bytes, limits);
    if (found.fault !== undefined) {
      throw faultOf(found, bytes);
    }
    const value = decodeWith(found.protoKey ? protoSafe : usual, bytes, found);
    const restored = found.wideIntegers || found.protoKey ? restore(value, protoStandIn) : value;
    return checkShape(restored, app);
  };
}

function newDecoder(protoStandIn?: string): Decoder {
  const options = { useBigInt64: true, mapKeyConverter: keyOf, extensionCodec: extensions() };
  if (protoStandIn === undefined) {
    return new Decoder(options);
  }
  const decode = (bytes: Uint8Array, start: number, length: number): string => {
    const key = new TextDecoder().decode(bytes.subarray(start, start + length));
    return key === "__proto__" ? protoStandIn : key;
  };
  return new Decoder({ ...options, keyDecoder: { canBeCached: () => true, decode } });
}

/** Older JavaScript writes an `undefined` among the arguments as extension type 0 with one zero byte. */
function extensions(): ExtensionCodec {
  const codec = new ExtensionCodec();
  codec.register({
    type: 0,
    encode: () => null,
    decode: (data) => (data.length === 1 && data[0] === 0 ? null : new ExtData(0, data)),
  });
  return codec;
}

function keyOf(key: unknown): string | number {
  if (typeof key === "object" && key !== null) {
    throw new RangeError("a map has a key that is neither text nor number");
  }
  return typeof key === "number" ? key : String(key);
}

function decodeWith(decoder: Decoder, bytes: Uint8Array, found: Scan): unknown {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw faultOf({ ...found, fault: { code: "MALFORMED_MESSAGE", what } }, bytes, cause);
  }
}

/** Integers that fit become numbers again, stand-ins become `__proto__`. Changes the freshly decoded value in place. */
function restore(value: unknown, protoStandIn: string): unknown {
  if (typeof value === "bigint") {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      value[index] = restore(value[index], protoStandIn);
    }
  } else if (isPlainMap(value)) {
    for (const key of Object.keys(value)) {
      const field = restore(value[key], protoStandIn);
      if (key === protoStandIn) {
        delete value[key];
        Object.defineProperty(value, "__proto__", {
          value: field,
          writable: true,
          enumerable: true,
          configurable: true,
        });
      } else {
        value[key] = field;
      }
    }
  }
  return value;
}

function isPlainMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
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
  return span && new TextDecoder().decode(bytes.subarray(span.start, span.end));
}
