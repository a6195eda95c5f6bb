// Hostile frames from a seed: mutations of valid messages and of valid ZMTP conversations.

import {
  createCall,
  createCodec,
  createError,
  createHeartbeat,
  createResponse,
  newMessageId,
} from "@multifrost/protocol";

const codec = createCodec();

/** Bodies that a peer of a child, or of a parent, may send. */
const VALID = {
  child: () => [
    createCall({ function: "echo", args: [{ a: [1, "x", null], b: 2 ** 40 }] }),
    createCall({ function: "none", args: [new Uint8Array(40)] }),
    createHeartbeat(newMessageId()),
    { type: "shutdown", id: newMessageId(), timestamp: 0 },
  ],
  parent: () => [
    createResponse(newMessageId(), { list: ["x".repeat(40), 1.5], at: new Date(0) }),
    createError(newMessageId(), { name: "RangeError", message: "no", code: "E", stack: "at x" }),
    { type: "stdout", id: newMessageId(), timestamp: 0, output: "line" },
    { type: "ready", id: newMessageId(), timestamp: 0 },
  ],
};

/** MessagePack heads that promise much: strings, binaries, arrays, maps and extensions of 2^32 - 1 items. */
const PROMISES = [0xdb, 0xc6, 0xdd, 0xdf, 0xc9].map((head) => Buffer.from([head, 0xff, 0xff, 0xff, 0xff]));

const SEPARATOR = Buffer.from([0x01, 0x00]);

/** Makes hostile payloads, and hostile streams, for one side. */
export class Hostile {
  #random;
  #bodies;

  constructor(side, random) {
    this.#random = random;
    this.#bodies = VALID[side]().map((message) => Buffer.from(codec.encode(message)));
  }

  #below(most) {
    return Math.floor(this.#random() * most);
  }

  /** One message as MessagePack, or nearly. */
  payload() {
    const body = Buffer.from(this.#bodies[this.#below(this.#bodies.length)]);
    const kind = this.#below(10);
    switch (kind) {
      case 0:
        return body;
      case 1:
        return body.subarray(0, this.#below(body.length));
      case 2:
        return this.#noise(this.#below(200));
      case 3: {
        // Something else in the place of a value.
        const at = this.#below(body.length);
        const promise = PROMISES[this.#below(PROMISES.length)];
        return Buffer.concat([body.subarray(0, at), promise, body.subarray(at)]);
      }
      case 4: {
        // Arrays in arrays, or maps in maps.
        const nested = Buffer.alloc(1 + this.#below(2_000), this.#random() < 0.5 ? 0x91 : 0x81);
        const at = this.#below(body.length);
        return Buffer.concat([body.subarray(0, at), nested, body.subarray(at)]);
      }
      case 5:
        return Buffer.concat([body, this.#noise(1 + this.#below(20))]);
      default:
        return this.#flipped(body);
    }
  }

  /** One message as ZMTP frames, or nearly. */
  frames() {
    const body = this.payload();
    const kind = this.#below(8);
    switch (kind) {
      case 0:
        // No separator, or too many parts.
        return Buffer.concat(Array.from({ length: 1 + this.#below(20) }, () => Buffer.from([0x01, 0x00])));
      case 1:
        return Buffer.concat([SEPARATOR, Buffer.from([0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])]);
      case 2: {
        // A command: PING, SUBSCRIBE, READY again, or noise.
        const name = ["\x04PING\0\0", "\x09SUBSCRIBE", "\x05READY", "\x05ERROR\x03no!"][this.#below(4)];
        const command = Buffer.concat([Buffer.from(name, "latin1"), this.#noise(this.#below(30))]);
        return Buffer.concat([Buffer.from([0x04, command.length]), command]);
      }
      case 3:
        return this.#flipped(Buffer.concat([SEPARATOR, frame(body)]));
      case 4:
        return this.#noise(this.#below(60));
      default:
        return Buffer.concat([SEPARATOR, frame(body)]);
    }
  }

  /** The beginning of a conversation, changed somewhere. */
  greeting(hello) {
    return this.#flipped(Buffer.from(hello));
  }

  #flipped(bytes) {
    for (let change = 1 + this.#below(3); change > 0 && bytes.length > 0; change -= 1) {
      bytes[this.#below(bytes.length)] = this.#below(256);
    }
    return bytes;
  }

  #noise(length) {
    return Buffer.from(Array.from({ length }, () => this.#below(256)));
  }
}

/** A last frame of a message. */
export function frame(body) {
  if (body.length < 256) {
    return Buffer.concat([Buffer.from([0, body.length]), body]);
  }
  const head = Buffer.alloc(9);
  head[0] = 0x02;
  head.writeBigUInt64BE(BigInt(body.length), 1);
  return Buffer.concat([head, body]);
}

/** Greeting and READY of a DEALER, or of a ROUTER. */
export function hello(type) {
  const ready = Buffer.from(`\x05READY\x0bSocket-Type\0\0\0\x06${type}`, "latin1");
  return Buffer.concat([
    Buffer.from("ff00000000000000007f0301", "hex"),
    Buffer.from("NULL".padEnd(52, "\0")),
    Buffer.from([0x04, ready.length]),
    ready,
  ]);
}
