// A message to bytes (step 5 and 11): values made sendable, the app id written first, limits held.
// Next: the transport. The way back: scan.ts, decode.ts.

import { Encoder } from "@msgpack/msgpack";
import { createEnvelopeWriter } from "./envelope.js";
import { SerializationError } from "./errors/index.js";
import type { MessageLimits } from "./limits.js";
import type { Message } from "./messages.js";
import type { Size } from "./value-walk.js";
import { createToSendable, type ToSendable } from "./wire-values.js";

/**
 * A message longer than this, in bytes, is given away in the buffer that it was written to, and a new buffer is begun:
 * copying it out would cost more than the buffer, and a buffer that has grown for one large message is not kept.
 */
const COPIED_BYTES = 32 * 1024;

/** Turns messages into bytes. The bytes are the caller's own: no later call changes them. */
export type EncodeMessage = (message: Message) => Uint8Array;

/**
 * Makes an encoder.
 *
 * The function it returns throws `SerializationError`: `UNSENDABLE_VALUE` and `LIMIT_EXCEEDED` with the path of the
 * value, `MESSAGE_TOO_LARGE` for the message as a whole.
 */
export function createEncoder(app: string, limits: MessageLimits): EncodeMessage {
  let encoder = newEncoder();
  const write = createEnvelopeWriter((value) => encodeWith(encoder, value));
  return (message) => {
    const size: Size = { values: 0, bytes: 0 };
    const wire = toWire(message, app, createToSendable(limits, size));
    const bytes = size.bytes > COPIED_BYTES ? encodeWith(encoder, wire) : write(wire);
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

/** The id and type stand first, so that a receiver can answer a message it cannot read to its end. */
function toWire(message: Message, app: string, toSendable: ToSendable): Record<string, unknown> {
  const { type, id, timestamp } = message;
  const metadata = message.metadata && toSendable(message.metadata, "metadata");
  switch (message.type) {
    case "call": {
      const name = toSendable(message.function, "function");
      const args = toSendable(message.args, "args", 1);
      const namespace = toSendable(message.namespace, "namespace");
      const client_name = toSendable(message.client_name, "client_name");
      return { app, id, type, timestamp, function: name, args, namespace, client_name, metadata };
    }
    case "response":
      return { app, id, type, timestamp, result: toSendable(message.result, "result"), metadata };
    case "error":
      return { app, id, type, timestamp, error: toSendable(message.error, "error"), metadata };
    case "stdout":
    case "stderr":
      return { app, id, type, timestamp, output: toSendable(message.output, "output"), metadata };
    case "heartbeat":
      return { app, id, type, timestamp, args: message.args && toSendable(message.args, "args", 1), metadata };
    case "shutdown":
    case "ready":
      return { app, id, type, timestamp, metadata };
    default:
      return message satisfies never;
  }
}

/** The bytes are still the encoder's own. */
function encodeWith(encoder: Encoder, value: unknown): Uint8Array {
  try {
    return encoder.encodeSharedRef(value);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SerializationError("UNSENDABLE_VALUE", `The message cannot be encoded: ${reason}. Nothing was sent.`, {
      cause,
    });
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
