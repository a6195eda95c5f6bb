// Messages as bytes, written by hand: what a peer sees, and what a peer may send.

import type { MultifrostError } from "../src/errors/index.js";
import { createCodec, type Message, type MessageLimits } from "../src/index.js";

/** `{app: "comlink_ipc_v3", id: "i", type: "response", timestamp: 0.5, result: …}`, up to the result. */
export const RESPONSE_PREFIX = [
  "85",
  "a3617070 ae636f6d6c696e6b5f6970635f7633",
  "a26964 a169",
  "a474797065 a8726573706f6e7365",
  "a974696d657374616d70 cb3fe0000000000000",
  "a6726573756c74",
]
  .join("")
  .replaceAll(" ", "");

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ""), "hex"));
}

/** The bytes that this value becomes as a result. */
export function resultHex(value: unknown, limits?: Partial<MessageLimits>): string {
  const bytes = createCodec({ limits }).encode({ type: "response", id: "i", timestamp: 0.5, result: value });
  const hex = toHex(bytes);
  if (!hex.startsWith(RESPONSE_PREFIX)) {
    throw new Error(`The response begins otherwise: ${hex}`);
  }
  return hex.slice(RESPONSE_PREFIX.length);
}

/** A response whose result are these bytes, followed by these further fields. */
export function responseBytes(result: string): Uint8Array {
  return fromHex(RESPONSE_PREFIX + result);
}

/** What these bytes are as a result. */
export function readResult(hex: string, limits?: Partial<MessageLimits>): unknown {
  const message = createCodec({ limits }).decode(responseBytes(hex));
  return message.type === "response" ? message.result : undefined;
}

/** What comes back of a value that is sent as a result. */
export function roundTrip(value: unknown, limits?: Partial<MessageLimits>): unknown {
  return readResult(resultHex(value, limits), limits);
}

/** What comes back of a message that is sent. */
export function echo<M extends Message>(message: M): M {
  const codec = createCodec();
  return codec.decode(codec.encode(message)) as M;
}

/** What this throws, which must be one of our errors. */
export function thrownBy<E extends MultifrostError>(run: () => unknown, type: abstract new (...args: never[]) => E): E {
  try {
    run();
  } catch (error) {
    if (error instanceof type) {
      return error;
    }
    throw error;
  }
  throw new Error("It did not throw.");
}

/** One field or argument this many levels deep in arrays. */
export function nested(levels: number, innermost: unknown = 1): unknown {
  let value = innermost;
  for (let level = 0; level < levels; level++) {
    value = [value];
  }
  return value;
}
