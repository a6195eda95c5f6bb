// A hostile worker of a parent: it answers calls and heartbeats as it should, and sends hostile messages and frames besides.

import { connect } from "node:net";
import { createCodec, createResponse } from "@multifrost/protocol";
import { parseTcpEndpoint } from "@multifrost/transport";
import { frame, Hostile, hello } from "./hostile.mjs";

const MESSAGES_AT_ONCE = 500;
/** After so many messages the protocol itself is broken, and the worker connects again. */
const MESSAGES_OF_A_CONNECTION = 500;
const FRAMES_AT_THE_END = 50;
const GREETING_BYTES = 64;
const SEPARATOR = Buffer.from([0x01, 0x00]);
const MORE = 0x01;
const LONG = 0x02;
const COMMAND = 0x04;

const codec = createCodec();

/** What an honest worker sends for a message; `undefined` for nothing. */
export function honestAnswer(bytes) {
  const message = codec.decode(bytes);
  switch (message.type) {
    case "heartbeat":
      return codec.answerHeartbeat(bytes);
    case "call":
      return codec.encode(createResponse(message.id, message.args[0]));
    default:
      return undefined;
  }
}

export class ParentAttack {
  #hostile;
  #port;
  #socket;
  /** Resolves once the connection in use has answered the parent, or is closed. */
  #proven;
  #calls = 0;
  /** Messages sent since it was made. */
  #onThisConnection = 0;
  #onCall = () => {};

  static open(endpoint, random) {
    const attack = new ParentAttack();
    attack.#hostile = new Hostile("parent", random);
    attack.#port = parseTcpEndpoint(endpoint).port;
    attack.#connect();
    return attack;
  }

  async send(count) {
    for (let sent = 0; sent < count; ) {
      const socket = await this.#connected();
      const isEnd = this.#onThisConnection >= MESSAGES_OF_A_CONNECTION;
      const most = Math.min(isEnd ? FRAMES_AT_THE_END : MESSAGES_AT_ONCE, count - sent);
      const parts = Array.from({ length: most }, () =>
        isEnd ? this.#hostile.frames() : Buffer.concat([SEPARATOR, frame(this.#hostile.payload())]),
      );
      sent += most;
      this.#onThisConnection = isEnd ? 0 : this.#onThisConnection + most;
      socket.write(Buffer.concat(parts));
      if (isEnd) {
        // The parent may wait for the rest of a frame.
        socket.destroySoon();
        await new Promise((resolve) => socket.once("close", resolve));
      } else {
        await this.#readBy(socket);
      }
    }
    await this.#connected();
  }

  /** The parent has read what was sent when it makes the call after the next: it makes one at a time. */
  async #readBy(socket) {
    const calls = this.#calls;
    await new Promise((resolve) => {
      const done = () => {
        socket.off("close", done);
        resolve();
      };
      socket.on("close", done);
      this.#onCall = () => (this.#calls >= calls + 2 ? done() : undefined);
    });
  }

  /** The connection in use, or a new one: an honest worker is there after each `send`. */
  async #connected() {
    for (;;) {
      if (this.#socket.destroyed) {
        this.#connect();
      }
      await this.#proven;
      if (!this.#socket.destroyed) {
        return this.#socket;
      }
    }
  }

  async close() {
    this.#socket.destroy();
  }

  #connect() {
    const socket = connect(this.#port, "127.0.0.1");
    this.#socket = socket;
    let proven;
    this.#proven = new Promise((resolve) => {
      proven = resolve;
    });
    socket.on("error", () => {});
    // Refused: it tries again.
    socket.on("close", proven);
    socket.write(hello("ROUTER"));
    let bytes = Buffer.alloc(0);
    let isGreeted = false;
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!isGreeted && bytes.length >= GREETING_BYTES) {
        isGreeted = true;
        bytes = bytes.subarray(GREETING_BYTES);
      }
      for (let next = isGreeted ? firstFrame(bytes) : undefined; next !== undefined; next = firstFrame(bytes)) {
        bytes = bytes.subarray(next.end);
        if ((next.flags & (COMMAND | MORE)) === 0) {
          const answer = honestAnswer(next.body);
          if (answer !== undefined) {
            socket.write(Buffer.concat([SEPARATOR, frame(Buffer.from(answer))]));
          }
          proven();
          this.#calls += codec.decode(next.body).type === "call" ? 1 : 0;
          this.#onCall();
        }
      }
    });
  }
}

function firstFrame(bytes) {
  const flags = bytes[0];
  const head = (flags & LONG) === 0 ? 2 : 9;
  if (bytes.length < head) {
    return undefined;
  }
  const length = head === 2 ? bytes[1] : Number(bytes.readBigUInt64BE(1));
  const end = head + length;
  return bytes.length < end ? undefined : { flags, body: bytes.subarray(head, end), end };
}
