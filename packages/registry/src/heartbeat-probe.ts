// Asks a service by one heartbeat whether it is there. The registry knows no transport, so this is the little of
// ZMTP 3.0 (https://rfc.zeromq.org/spec/23/) that one message takes.

import { connect, type Socket } from "node:net";
import { type Codec, createCodec, createHeartbeat } from "@multifrost/protocol";

/** How long a service has to answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 2000;

/** A service with other app ids does not answer. */
const APPS = ["comlink_ipc_v3", "comlink_ipc_v4"];

/** More than this many bytes before the answer are no service's. */
const MAX_BYTES = 1 << 20;

const GREETING_BYTES = 64;

/** The bits of a frame's first byte. */
const MORE = 1;
const LONG = 2;
const COMMAND = 4;

/**
 * Whether a service answers a heartbeat on this port of 127.0.0.1 within 2 s. Never rejects.
 *
 * @param signal Ends the wait; then the answer is `false`.
 */
export function answersHeartbeat(port: number, signal?: AbortSignal): Promise<boolean> {
  const questions = APPS.map((app): Question => {
    const codec = createCodec({ app });
    const heartbeat = createHeartbeat();
    return { codec, id: heartbeat.id, bytes: codec.encode(heartbeat) };
  });
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const timeout = setTimeout(end, ANSWER_TIMEOUT_MS, false);
    const aborted = (): void => end(false);
    const received = new Received();
    function end(isThere: boolean): void {
      clearTimeout(timeout);
      signal?.removeEventListener("abort", aborted);
      socket.destroy();
      resolve(isThere);
    }
    signal?.addEventListener("abort", aborted);
    if (signal?.aborted) {
      end(false);
      return;
    }
    socket.on("error", aborted);
    socket.on("close", aborted);
    socket.write(greeting());
    socket.on("data", (bytes: Buffer) => {
      try {
        received.add(bytes);
        for (let frame = received.frame(); frame !== undefined; frame = received.frame()) {
          if (isRouterReady(frame)) {
            for (const { bytes: payload } of questions) {
              ask(socket, payload);
            }
          } else if (questions.some((question) => isAnswer(frame, question))) {
            end(true);
          }
        }
      } catch {
        end(false);
      }
    });
  });
}

/** A heartbeat that was sent. */
interface Question {
  readonly codec: Codec;
  readonly id: string;
  readonly bytes: Uint8Array;
}

interface Frame {
  readonly flags: number;
  readonly body: Buffer;
}

/** The bytes that came, as frames. */
class Received {
  #bytes = Buffer.alloc(0);
  #total = 0;
  #isGreeted = false;

  /** Throws if this is more than a service would send. */
  add(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    this.#total += bytes.length;
    if (this.#total > MAX_BYTES) {
      throw new Error("too many bytes");
    }
  }

  /** Takes the next whole frame. Throws if the other side does not speak ZMTP 3 without security. */
  frame(): Frame | undefined {
    if (!this.#isGreeted) {
      if (this.#bytes.length < GREETING_BYTES) {
        return undefined;
      }
      const greeting = this.#take(GREETING_BYTES);
      if (
        greeting[0] !== 0xff ||
        greeting[9] !== 0x7f ||
        (greeting[10] ?? 0) < 3 ||
        greeting.indexOf("NULL\0") !== 12
      ) {
        throw new Error("another protocol");
      }
      this.#isGreeted = true;
    }
    const flags = this.#bytes[0] ?? 0;
    const head = (flags & LONG) === 0 ? 2 : 9;
    if (this.#bytes.length < head) {
      return undefined;
    }
    const size = head === 2 ? this.#bytes.readUInt8(1) : Number(this.#bytes.readBigUInt64BE(1));
    return this.#bytes.length < head + size ? undefined : { flags, body: this.#take(head + size).subarray(head) };
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }
}

/** Services have a ROUTER socket. */
function isRouterReady({ flags, body }: Frame): boolean {
  return (flags & COMMAND) !== 0 && body.includes("\x05READY") && body.includes("\0\0\0\x06ROUTER");
}

function ask(socket: Socket, payload: Uint8Array): void {
  socket.write(Buffer.from([MORE, 0, 0, payload.length]));
  socket.write(payload);
}

/** Whether a frame answers the heartbeat. One that is sent back as it was does not. */
function isAnswer({ flags, body }: Frame, { codec, id, bytes }: Question): boolean {
  if ((flags & (COMMAND | MORE)) !== 0 || body.length === 0 || body.equals(bytes)) {
    return false;
  }
  try {
    const message = codec.decode(body);
    return message.type === "heartbeat" && message.id === id;
  } catch {
    return false;
  }
}

/** What a DEALER begins with: signature, version 3.0 and mechanism in 64 bytes, then the command `READY`. */
function greeting(): Buffer {
  const ready = "\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0";
  const start = Buffer.alloc(GREETING_BYTES);
  start.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0]);
  start.write("NULL", 12);
  return Buffer.concat([start, Buffer.from([COMMAND, ready.length]), Buffer.from(ready, "latin1")]);
}
