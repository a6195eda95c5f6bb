import { encode as pack } from "@msgpack/msgpack";
import type { MessageType } from "./messages.js";
import { UUID_LENGTH } from "./value-reader.js";

/** The head of a map with few keys, without their number. */
export const FIXMAP = 0x80;
const TEXT8 = 0xd9;
const FLOAT64 = 0xcb;

/** Fields that every message begins with, in this order: `app`, `id`, `type`, `timestamp`. */
export const STARTING_FIELDS = 4;

/** The constant parts of messages, packed once. */
export class Envelope {
  /** Behind the head of the map: the app id, the name of the id, and the head of an id that is a UUID. */
  readonly start: Uint8Array;
  /** Behind the id: the type, and the name of the timestamp. */
  readonly types: Readonly<Record<MessageType, Uint8Array>>;
  /** All starting fields of a message, with zeros for the id and the timestamp, which is a float. */
  readonly starts: Readonly<Record<MessageType, Uint8Array>>;
  /** Where the id goes in {@link starts}. */
  readonly idAt: number;
  readonly function: Uint8Array = packed("function");
  readonly args: Uint8Array = packed("args");
  readonly namespace: Uint8Array = packed("namespace");
  readonly client_name: Uint8Array = packed("client_name");
  readonly result: Uint8Array = packed("result");
  readonly error: Uint8Array = packed("error");
  readonly output: Uint8Array = packed("output");
  readonly metadata: Uint8Array = packed("metadata");

  constructor(app: string) {
    this.start = Uint8Array.from([...packField("app", app), ...pack("id"), TEXT8, UUID_LENGTH]);
    this.types = forEachType((type) => Uint8Array.from([...packField("type", type), ...pack("timestamp")]));
    this.starts = forEachType((type) =>
      Uint8Array.from([
        FIXMAP,
        ...this.start,
        ...new Uint8Array(UUID_LENGTH),
        ...this.types[type],
        FLOAT64,
        ...new Uint8Array(8),
      ]),
    );
    this.idAt = 1 + this.start.length;
  }
}

/** `pack` alone would keep 2 KiB for each. */
function packed(name: string): Uint8Array {
  return Uint8Array.from(pack(name));
}

function packField(key: string, value: string): Uint8Array {
  return Uint8Array.from([...pack(key), ...pack(value)]);
}

function forEachType(bytesOf: (type: MessageType) => Uint8Array): Record<MessageType, Uint8Array> {
  return {
    call: bytesOf("call"),
    response: bytesOf("response"),
    error: bytesOf("error"),
    stdout: bytesOf("stdout"),
    stderr: bytesOf("stderr"),
    heartbeat: bytesOf("heartbeat"),
    shutdown: bytesOf("shutdown"),
    ready: bytesOf("ready"),
  };
}
