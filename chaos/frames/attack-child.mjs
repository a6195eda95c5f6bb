// Hostile peers of a child: one that speaks the protocol and sends hostile messages, and many that break the protocol.

import { connect } from "node:net";
import { createCodec, createHeartbeat, newMessageId } from "@multifrost/protocol";
import { parseTcpEndpoint, zmtpClient } from "@multifrost/transport";
import { Hostile, hello } from "./hostile.mjs";

const MESSAGES_AT_ONCE = 500;
const FRAMES_OF_A_STRANGER = 50;

const codec = createCodec();

export class ChildAttack {
  #hostile;
  #random;
  #port;
  #channel;
  /** Called with the id of each heartbeat that is answered. */
  #answered = () => {};

  static async open(endpoint, random) {
    const attack = new ChildAttack();
    attack.#hostile = new Hostile("child", random);
    attack.#random = random;
    attack.#port = parseTcpEndpoint(endpoint).port;
    attack.#channel = await zmtpClient({ connect: { port: attack.#port } }).open({
      up() {},
      down() {},
      dropped() {},
      failed() {},
      message(bytes) {
        const message = codec.decode(bytes);
        if (message.type === "heartbeat") {
          attack.#answered(message.id);
        }
      },
    });
    return attack;
  }

  /** Sends so many frames, nine of ten as messages. */
  async send(count) {
    for (let sent = 0; sent < count; ) {
      sent += await this.#sendMessages(Math.min(MESSAGES_AT_ONCE, count - sent));
      if (sent < count) {
        sent += await this.#sendStream(Math.min(FRAMES_OF_A_STRANGER, count - sent));
      }
    }
  }

  async close() {
    await this.#channel.close();
  }

  async #sendMessages(count) {
    for (let index = 0; index < count; index += 1) {
      this.#channel.send(this.#hostile.payload());
    }
    // Behind them: the child has read them all when it answers.
    const heartbeat = createHeartbeat(newMessageId());
    await new Promise((resolve) => {
      this.#answered = (id) => (id === heartbeat.id ? resolve() : undefined);
      this.#channel.send(codec.encode(heartbeat));
    });
    return count;
  }

  /** A stranger that connects, sends what is nearly ZMTP, and leaves. */
  async #sendStream(count) {
    const greeting = hello("DEALER");
    const parts = [this.#random() < 0.2 ? this.#hostile.greeting(greeting) : greeting];
    for (let index = 0; index < count; index += 1) {
      parts.push(this.#hostile.frames());
    }
    const socket = connect(this.#port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    socket.end(Buffer.concat(parts));
    // A worker that waits for the rest of a frame closes when the stranger does.
    await new Promise((resolve) => socket.once("close", resolve));
    return count;
  }
}
