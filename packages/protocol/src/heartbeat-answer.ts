// The answer to a heartbeat repeats the bytes that came: a whole float, which JavaScript cannot tell from an integer, stays a
// float for the sender's reader.

import { encode as pack } from "@msgpack/msgpack";
import { wireTime } from "./create-message.js";
import { type Envelope, FIXMAP, STARTING_FIELDS } from "./envelope.js";
import { MalformedMessageError, SerializationError } from "./errors/index.js";
import { joinParts } from "./internal/message-parts.js";
import type { MessageLimits } from "./limits.js";
import type { Metadata } from "./messages.js";
import { ARGUMENT_DEPTH, ReadFault, ValueReader } from "./value-reader.js";

/** What an answer repeats of a heartbeat, as bytes. */
interface Repeated {
  id: Uint8Array | undefined;
  args: Uint8Array | undefined;
  /** Keys with their values. */
  metadata: Uint8Array[];
}

/** Answers heartbeats, one after the other. */
export class HeartbeatAnswers {
  readonly #envelope: Envelope;
  readonly #limits: MessageLimits;
  readonly #reader: ValueReader;

  constructor(envelope: Envelope, limits: MessageLimits) {
    this.#envelope = envelope;
    this.#limits = limits;
    this.#reader = new ValueReader(limits);
  }

  /** See `Codec.answerHeartbeat`. */
  readonly answer = (heartbeat: Uint8Array, more: Metadata = {}): Uint8Array => {
    const own: Metadata = { ...more, hb_response: true };
    const { id, args, metadata } = this.#read(heartbeat, own);
    const { start, types, args: argsKey, metadata: metadataKey } = this.#envelope;
    const ownFields = Object.entries(own).filter(([, value]) => value !== undefined);
    const parts = [
      Uint8Array.of(FIXMAP + STARTING_FIELDS + (args === undefined ? 1 : 2)),
      // Without the head of an id that is a UUID.
      start.subarray(0, -2),
      id ?? pack(""),
      types.heartbeat,
      pack(wireTime()),
      ...(args === undefined ? [] : [argsKey, args]),
      metadataKey,
      mapHead(metadata.length + ownFields.length),
      ...metadata,
      ...ownFields.flatMap((field) => field.map((part) => pack(part))),
    ];
    const bytes = joinParts({ parts, byteLength: parts.reduce((sum, part) => sum + part.length, 0) });
    if (bytes.length > this.#limits.maxMessageBytes) {
      const what = `The answer to a heartbeat takes ${bytes.length} bytes, more than limits.maxMessageBytes`;
      throw new SerializationError("MESSAGE_TOO_LARGE", `${what}. Nothing was sent. Send a shorter heartbeat.`);
    }
    return bytes;
  };

  #read(bytes: Uint8Array, own: Metadata): Repeated {
    const reader = this.#reader;
    const repeated: Repeated = { id: undefined, args: undefined, metadata: [] };
    try {
      reader.maxDepth = this.#limits.maxDepth + ARGUMENT_DEPTH;
      reader.open(bytes);
      for (let left = reader.enterMap() ?? 0; left > 0; left--) {
        const key = reader.key();
        const { at, head = 0 } = reader;
        if (key === "metadata") {
          repeated.metadata = this.#readMetadata(bytes, own);
        } else if (key === "args") {
          reader.value();
          const isArray = (head & 0xf0) === 0x90 || head === 0xdc || head === 0xdd;
          repeated.args = isArray ? bytes.subarray(at, reader.at) : undefined;
        } else {
          reader.value();
          repeated.id = key === "id" ? bytes.subarray(at, reader.at) : repeated.id;
        }
      }
      return repeated;
    } catch (cause) {
      if (cause instanceof ReadFault) {
        throw new MalformedMessageError(cause.code, `A heartbeat cannot be read: ${cause.what}.`);
      }
      throw cause;
    } finally {
      reader.release();
    }
  }

  /** The fields that the answer does not have itself; of equal keys the last. None where the value is no map. */
  #readMetadata(bytes: Uint8Array, own: Metadata): Uint8Array[] {
    const reader = this.#reader;
    const length = reader.enterMap();
    if (length === undefined) {
      reader.value();
      return [];
    }
    const fields = new Map<string, Uint8Array>();
    for (let left = length; left > 0; left--) {
      const { at } = reader;
      const key = reader.key();
      reader.value();
      if (!Object.hasOwn(own, key) && key !== "features") {
        fields.set(key, bytes.subarray(at, reader.at));
      }
    }
    reader.leaveMap();
    return [...fields.values()];
  }
}

/** The head of a map of so many keys. */
function mapHead(keys: number): Uint8Array {
  if (keys < 16) {
    return Uint8Array.of(FIXMAP + keys);
  }
  const head = keys < 0x1_0000 ? [0xde] : [0xdf, keys >>> 24, (keys >>> 16) & 0xff];
  return Uint8Array.of(...head, (keys >>> 8) & 0xff, keys & 0xff);
}
