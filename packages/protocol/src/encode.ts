import { type Envelope, FIXMAP, STARTING_FIELDS } from "./envelope.js";
import { SerializationError } from "./errors/index.js";
import { NO_FEATURES, type Receiver } from "./features.js";
import type { MessageParts } from "./internal/message-parts.js";
import type { MessageLimits } from "./limits.js";
import type { Message } from "./messages.js";
import { PackedWriter } from "./packed-writer.js";
import { ValueWriter } from "./value-writer.js";

/**
 * Turns messages into bytes. The bytes belong to the caller: later calls do not change them.
 *
 * `receiver` has announced what it understands; by default nothing.
 */
export type EncodeMessage = (message: Message, receiver?: Receiver) => Uint8Array;

/**
 * Turns messages into bytes, without copying values above 64 KiB: a message with such values comes in parts, and these are
 * the memory of the values themselves.
 */
export type EncodeParts = (message: Message, receiver?: Receiver) => Uint8Array | MessageParts;

/**
 * Creates an encoder.
 *
 * The function it returns throws `SerializationError`: `UNSENDABLE_VALUE` and `LIMIT_EXCEEDED` with the path of the
 * value, `MESSAGE_TOO_LARGE` for the message as a whole.
 */
export function createEncoder(envelope: Envelope, limits: MessageLimits): EncodeParts {
  return new MessageWriter(envelope, limits, COMMON).write;
}

type FieldName = "function" | "args" | "namespace" | "client_name" | "result" | "error" | "output" | "metadata";

/** All encoders of a process write into one buffer: a parent that is idle holds none. */
const COMMON = new PackedWriter();

const UNKNOWN: Receiver = { features: NO_FEATURES };

/** Writes one message after the other. */
class MessageWriter {
  readonly #envelope: Envelope;
  readonly #limits: MessageLimits;
  readonly #out: PackedWriter;
  readonly #values: ValueWriter;
  #fields = 0;

  constructor(envelope: Envelope, limits: MessageLimits, out: PackedWriter) {
    this.#envelope = envelope;
    this.#limits = limits;
    this.#out = out;
    this.#values = new ValueWriter(limits, out);
  }

  readonly write: EncodeParts = (message, receiver = UNKNOWN) => {
    const out = this.#out;
    if (out.busy) {
      // A getter in a message encodes a message itself.
      return new MessageWriter(this.#envelope, this.#limits, new PackedWriter()).write(message, receiver);
    }
    const envelope = this.#envelope;
    const { type, id, timestamp } = message;
    const { maxMessageBytes } = this.#limits;
    out.busy = true;
    let isWritten = false;
    try {
      this.#values.open();
      // The id and type come first, so that a receiver can answer a message that it cannot read to its end.
      if (!out.prepared(envelope.starts[type], envelope.idAt, id, timestamp)) {
        this.#writeStart(message);
      }
      this.#fields = STARTING_FIELDS;
      this.#writeFields(message, receiver);
      this.#field("metadata", message.metadata);
      const bytes = out.close(FIXMAP + this.#fields);
      if (bytes.byteLength > maxMessageBytes) {
        throw tooLarge(message, bytes.byteLength, maxMessageBytes);
      }
      isWritten = true;
      return bytes;
    } finally {
      if (!isWritten) {
        out.abandon();
        this.#values.abandon();
      }
      out.busy = false;
    }
  };

  /** The starting fields of a message with any id, and any number as its timestamp. */
  #writeStart({ type, id, timestamp }: Message): void {
    const out = this.#out;
    const { start, types } = this.#envelope;
    out.byte(FIXMAP);
    out.packed(start.subarray(0, -2));
    out.text(id);
    out.packed(types[type]);
    if (Number.isInteger(timestamp) && timestamp >= -0x8000_0000 && timestamp <= 0xffff_ffff) {
      out.integer(timestamp);
    } else {
      out.float(timestamp);
    }
  }

  #writeFields(message: Message, receiver: Receiver): void {
    switch (message.type) {
      case "call":
        this.#field("function", message.function);
        this.#fields++;
        this.#out.packed(this.#envelope.args);
        this.#values.args(message.args, receiver);
        this.#field("namespace", message.namespace);
        this.#field("client_name", message.client_name);
        break;
      case "response":
        this.#field("result", message.result);
        break;
      case "error":
        this.#field("error", message.error);
        break;
      case "stdout":
      case "stderr":
        this.#field("output", message.output);
        break;
      case "heartbeat":
        this.#field("args", message.args);
        break;
    }
  }

  /** Writes a field, unless it is `undefined`. */
  #field(name: FieldName, value: unknown): void {
    if (value !== undefined) {
      this.#fields++;
      this.#out.packed(this.#envelope[name]);
      this.#values.value(value, name);
    }
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
