import { Encoder } from "@msgpack/msgpack";
import { SerializationError } from "./errors/index.js";
import type { MessageLimits } from "./limits.js";
import type { Message } from "./messages.js";
import { WireValues } from "./wire-values.js";

/**
 * A message above this size, in bytes, is returned in the buffer it was written to, and a new buffer is started. Copying
 * it out would cost more than the buffer, and a buffer that has grown for one large message is not kept.
 */
const COPIED_BYTES = 32 * 1024;

/** Messages share buffers of this size, in bytes: one allocation for about a hundred messages. */
const POOL_BYTES = 16 * 1024;

/** The longest text that {@link EnvelopeWriter} writes itself, in characters. Up to here its length takes one byte. */
const LONGEST_SHORT_TEXT = 255;

/** MessagePack heads: a map of up to 15 fields, a float. */
const FIXMAP = 0x80;
const FLOAT64 = 0xcb;

/** Turns messages into bytes. The bytes belong to the caller: later calls do not change them. */
export type EncodeMessage = (message: Message) => Uint8Array;

/**
 * Creates an encoder.
 *
 * The function it returns throws `SerializationError`: `UNSENDABLE_VALUE` and `LIMIT_EXCEEDED` with the path of the
 * value, `MESSAGE_TOO_LARGE` for the message as a whole.
 */
export function createEncoder(app: string, limits: MessageLimits): EncodeMessage {
  let encoder = newEncoder();
  const pack = (value: unknown): Uint8Array => {
    try {
      return encoder.encodeSharedRef(value);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `The message cannot be encoded: ${reason}. Nothing was sent.`;
      throw new SerializationError("UNSENDABLE_VALUE", message, { cause });
    }
  };
  const writer = new EnvelopeWriter(pack);
  return (message) => {
    const values = new WireValues(limits);
    const fields = wireFields(message, app, values);
    const bytes = values.bytes > COPIED_BYTES ? pack(fields) : writer.write(fields);
    if (bytes.byteLength > COPIED_BYTES) {
      encoder = newEncoder();
    }
    if (bytes.byteLength > limits.maxMessageBytes) {
      throw tooLarge(message, bytes.byteLength, limits.maxMessageBytes);
    }
    return bytes;
  };
}

function newEncoder(): Encoder {
  return new Encoder({ useBigInt64: true, ignoreUndefined: true, maxDepth: Number.MAX_SAFE_INTEGER });
}

/** The id and type come first, so that a receiver can answer a message that it cannot read to its end. */
function wireFields(message: Message, app: string, values: WireValues): Record<string, unknown> {
  const { type, id, timestamp } = message;
  const metadata = message.metadata && values.convert(message.metadata, "metadata");
  switch (message.type) {
    case "call": {
      const name = values.convert(message.function, "function");
      const args = values.convert(message.args, "args", 1);
      const namespace = values.convert(message.namespace, "namespace");
      const client_name = values.convert(message.client_name, "client_name");
      return { app, id, type, timestamp, function: name, args, namespace, client_name, metadata };
    }
    case "response":
      return { app, id, type, timestamp, result: values.convert(message.result, "result"), metadata };
    case "error":
      return { app, id, type, timestamp, error: values.convert(message.error, "error"), metadata };
    case "stdout":
    case "stderr":
      return { app, id, type, timestamp, output: values.convert(message.output, "output"), metadata };
    case "heartbeat":
      return { app, id, type, timestamp, args: message.args && values.convert(message.args, "args", 1), metadata };
    case "shutdown":
    case "ready":
      return { app, id, type, timestamp, metadata };
    default:
      return message satisfies never;
  }
}

function tooLarge(message: Message, bytes: number, limit: number): SerializationError {
  const what = message.type === "call" ? `The call of '${message.function}'` : `The ${message.type} message`;
  return new SerializationError(
    "MESSAGE_TOO_LARGE",
    `${what} takes ${bytes} bytes, more than the ${limit} of limits.maxMessageBytes. Nothing was sent. ` +
      "Send it in parts, pass a file's path, or raise the limit on both sides.",
  );
}

/**
 * Writes the map of a message. Its keys are always the same few and its texts are short, so writing it here takes a
 * third of the time that the library needs. The library writes the values of the fields.
 */
export class EnvelopeWriter {
  readonly #pack: (value: unknown) => Uint8Array;
  #buffer = new Uint8Array(POOL_BYTES);
  #view = new DataView(this.#buffer.buffer);
  /** Where the current message starts, and where the next byte goes. */
  #start = 0;
  #at = 0;
  #busy = false;

  /**
   * @param pack Returns the bytes of a value, which are read before it is called again. What it throws is passed on, and
   *   the writer stays usable.
   */
  constructor(pack: (value: unknown) => Uint8Array) {
    this.#pack = pack;
  }

  /** Returns the bytes of a map of up to 15 fields, without those that are `undefined`. */
  write(fields: Readonly<Record<string, unknown>>): Uint8Array {
    if (this.#busy) {
      // A user's getter, called by `pack`, encodes another message.
      return new EnvelopeWriter(this.#pack).write(fields);
    }
    this.#busy = true;
    try {
      this.#at = this.#start;
      this.#reserve(1);
      this.#at++;
      let count = 0;
      for (const key in fields) {
        const value = fields[key];
        if (value !== undefined) {
          count++;
          this.#shortText(key);
          this.#value(value);
        }
      }
      this.#buffer[this.#start] = FIXMAP + count;
      return this.#take();
    } finally {
      this.#busy = false;
    }
  }

  #value(value: unknown): void {
    if (typeof value === "number" && !Number.isInteger(value)) {
      this.#reserve(9);
      this.#buffer[this.#at] = FLOAT64;
      this.#view.setFloat64(this.#at + 1, value);
      this.#at += 9;
    } else if (typeof value !== "string" || !this.#shortText(value)) {
      const bytes = this.#pack(value);
      this.#reserve(bytes.length);
      this.#buffer.set(bytes, this.#at);
      this.#at += bytes.length;
    }
  }

  /** Writes short ASCII text. Writes nothing and returns `false` for any other. */
  #shortText(text: string): boolean {
    const { length } = text;
    if (length > LONGEST_SHORT_TEXT) {
      return false;
    }
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

  /** Makes room. A message that does not fit moves to a new buffer with what is written of it. */
  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) {
      return;
    }
    const written = this.#buffer.subarray(this.#start, this.#at);
    this.#buffer = new Uint8Array(Math.max(POOL_BYTES, written.length + bytes + LONGEST_SHORT_TEXT));
    this.#view = new DataView(this.#buffer.buffer);
    this.#buffer.set(written);
    this.#start = 0;
    this.#at = written.length;
  }

  /** The message written. Its bytes are not written to again. */
  #take(): Uint8Array {
    const message = this.#buffer.subarray(this.#start, this.#at);
    this.#start = this.#at;
    if (this.#buffer.length > POOL_BYTES) {
      // A large message keeps its buffer for itself.
      this.#buffer = new Uint8Array(POOL_BYTES);
      this.#view = new DataView(this.#buffer.buffer);
      this.#start = 0;
    }
    return message;
  }
}
