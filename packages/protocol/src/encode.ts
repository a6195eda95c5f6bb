import { encode as pack } from "@msgpack/msgpack";
import { SerializationError } from "./errors/index.js";
import type { MessageLimits } from "./limits.js";
import type { Message, MessageType } from "./messages.js";
import { PackedWriter } from "./packed-writer.js";
import { ValueWriter } from "./value-writer.js";

/** Turns messages into bytes. The bytes belong to the caller: later calls do not change them. */
export type EncodeMessage = (message: Message) => Uint8Array;

/**
 * Creates an encoder.
 *
 * The function it returns throws `SerializationError`: `UNSENDABLE_VALUE` and `LIMIT_EXCEEDED` with the path of the
 * value, `MESSAGE_TOO_LARGE` for the message as a whole.
 */
export function createEncoder(app: string, limits: MessageLimits): EncodeMessage {
  const envelope = new Envelope(app);
  return new MessageWriter(envelope, limits).write;
}

const FIXMAP = 0x80;

/** The constant parts of messages, packed once. */
class Envelope {
  /** The head of the map, whose number of fields is not known yet, the app id, and the name of the id. */
  readonly start: Uint8Array;
  readonly types: Readonly<Record<MessageType, Uint8Array>> = {
    call: packField("type", "call"),
    response: packField("type", "response"),
    error: packField("type", "error"),
    stdout: packField("type", "stdout"),
    stderr: packField("type", "stderr"),
    heartbeat: packField("type", "heartbeat"),
    shutdown: packField("type", "shutdown"),
    ready: packField("type", "ready"),
  };
  readonly timestamp: Uint8Array = pack("timestamp");
  readonly function: Uint8Array = pack("function");
  readonly args: Uint8Array = pack("args");
  readonly namespace: Uint8Array = pack("namespace");
  readonly client_name: Uint8Array = pack("client_name");
  readonly result: Uint8Array = pack("result");
  readonly error: Uint8Array = pack("error");
  readonly output: Uint8Array = pack("output");
  readonly metadata: Uint8Array = pack("metadata");

  constructor(app: string) {
    this.start = Uint8Array.from([FIXMAP, ...packField("app", app), ...pack("id")]);
  }
}

function packField(key: string, value: string): Uint8Array {
  return Uint8Array.from([...pack(key), ...pack(value)]);
}

type FieldName = "function" | "args" | "namespace" | "client_name" | "result" | "error" | "output" | "metadata";

/** Writes one message after the other. */
class MessageWriter {
  readonly #envelope: Envelope;
  readonly #limits: MessageLimits;
  readonly #out = new PackedWriter();
  readonly #values: ValueWriter;
  #fields = 0;
  #busy = false;

  constructor(envelope: Envelope, limits: MessageLimits) {
    this.#envelope = envelope;
    this.#limits = limits;
    this.#values = new ValueWriter(limits, this.#out);
  }

  readonly write = (message: Message): Uint8Array => {
    if (this.#busy) {
      // A getter in a message encodes a message itself.
      return new MessageWriter(this.#envelope, this.#limits).write(message);
    }
    const out = this.#out;
    const envelope = this.#envelope;
    const { type, id, timestamp } = message;
    const { maxMessageBytes } = this.#limits;
    this.#busy = true;
    let isWritten = false;
    try {
      this.#values.open();
      // The id and type come first, so that a receiver can answer a message that it cannot read to its end.
      out.packed(envelope.start);
      out.text(id);
      out.packed(envelope.types[type]);
      out.packed(envelope.timestamp);
      if (Number.isInteger(timestamp) && timestamp >= -0x8000_0000 && timestamp <= 0xffff_ffff) {
        out.integer(timestamp);
      } else {
        out.float(timestamp);
      }
      this.#fields = 4;
      this.#writeFields(message);
      this.#field("metadata", message.metadata);
      const bytes = out.close(FIXMAP + this.#fields);
      if (bytes.length > maxMessageBytes) {
        throw tooLarge(message, bytes.length, maxMessageBytes);
      }
      isWritten = true;
      return bytes;
    } finally {
      if (!isWritten) {
        out.abandon();
        this.#values.abandon();
      }
      this.#busy = false;
    }
  };

  #writeFields(message: Message): void {
    switch (message.type) {
      case "call":
        this.#field("function", message.function);
        this.#field("args", message.args, 1);
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
        this.#field("args", message.args, 1);
        break;
    }
  }

  /** Writes a field, unless it is `undefined`. */
  #field(name: FieldName, value: unknown, ownLevels = 0): void {
    if (value !== undefined) {
      this.#fields++;
      this.#out.packed(this.#envelope[name]);
      this.#values.value(value, name, ownLevels);
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
