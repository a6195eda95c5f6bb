// A message to bytes (step 5 and 11): values made sendable, the app id written first, limits held.
// Next: the transport. The way back: scan.ts, decode.ts.

import { Encoder } from "@msgpack/msgpack";
import { SerializationError } from "./errors/index.js";
import type { MessageLimits } from "./limits.js";
import type { Message } from "./messages.js";
import { toSendable } from "./wire-values.js";

/** Buffers that grew beyond this for one large message are let go again, in bytes. */
const KEPT_BUFFER_BYTES = 1024 * 1024;

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
  return (message) => {
    const bytes = encodeWith(encoder, toWire(message, app, limits));
    if (bytes.byteLength > KEPT_BUFFER_BYTES) {
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
function toWire(message: Message, app: string, limits: MessageLimits): Record<string, unknown> {
  const { type, id, timestamp } = message;
  const metadata = message.metadata && toSendable(message.metadata, "metadata", limits);
  switch (message.type) {
    case "call": {
      const { function: name, namespace, client_name } = message;
      const args = toSendable(message.args, "args", limits);
      return { app, id, type, timestamp, function: name, args, namespace, client_name, metadata };
    }
    case "response":
      return { app, id, type, timestamp, result: toSendable(message.result, "result", limits), metadata };
    case "error":
      return { app, id, type, timestamp, error: message.error.toWellFormed(), metadata };
    case "stdout":
    case "stderr":
      return { app, id, type, timestamp, output: message.output.toWellFormed(), metadata };
    case "heartbeat":
      return { app, id, type, timestamp, args: message.args && toSendable(message.args, "args", limits), metadata };
    case "shutdown":
    case "ready":
      return { app, id, type, timestamp, metadata };
    default:
      return message satisfies never;
  }
}

function encodeWith(encoder: Encoder, wire: Record<string, unknown>): Uint8Array {
  try {
    return encoder.encode(wire);
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
