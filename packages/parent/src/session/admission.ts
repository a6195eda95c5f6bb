// A private connection has one guest: the worker that the parent started. Everything else that connects is refused.

import { randomBytes, timingSafeEqual } from "node:crypto";
import { type Codec, createHeartbeat, type Message } from "@multifrost/protocol";
import { Deferred, TOKEN_PROPERTY } from "@multifrost/protocol/internal";
import type { Connection } from "@multifrost/transport";
import { SocketOwners } from "../process/socket-owner.js";

/** Decides which connection to a spawned worker's endpoint is the worker's. */
export class Admission {
  /** The secret in the worker's environment: 128 random bits in hexadecimal. */
  readonly token: string = randomBytes(16).toString("hex");
  readonly #codec: Codec;
  readonly #pid = new Deferred<number>();
  readonly #owners = new SocketOwners(this.#pid.promise);

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** The worker's process runs. */
  processStarted(pid: number | undefined): void {
    if (pid !== undefined) {
      this.#pid.resolve(pid);
    }
  }

  /** Accepts a connection that brings the token; asks any other for a proof first. */
  consider(connection: Connection): void {
    const token = connection.properties.get(TOKEN_PROPERTY.toLowerCase());
    if (token === undefined) {
      this.#challenge(connection);
    } else if (this.#isToken(token)) {
      connection.accept();
    } else {
      connection.refuse("It brought a wrong token.");
    }
  }

  /**
   * For children of older implementations, and for ours over a library that cannot send properties. The answer to a
   * heartbeat proves a worker: by the token in it, or by the process that holds the connection.
   */
  #challenge(connection: Connection): void {
    const heartbeat = createHeartbeat();
    const question = this.#codec.encode(heartbeat);
    let isReady = false;
    connection.receive((bytes) => {
      const message = this.#read(bytes);
      if (message?.type === "ready" && !isReady) {
        // Rust workers say so first.
        isReady = true;
        return;
      }
      // An echo of the question proves nothing.
      const isEcho = Buffer.compare(bytes, question) === 0;
      const answer = message?.type === "heartbeat" && message.id === heartbeat.id && !isEcho ? message : undefined;
      if (answer === undefined) {
        connection.refuse("It did not answer a heartbeat.");
        return;
      }
      const { token } = answer.metadata ?? {};
      if (typeof token === "string") {
        this.#decide(connection, this.#isToken(token), "It brought a wrong token.");
      } else {
        void this.#isWorker(connection).then((isWorker) =>
          this.#decide(connection, isWorker, "It is not the process that this parent started."),
        );
      }
    });
    connection.challenge(question);
  }

  #read(bytes: Uint8Array): Message | undefined {
    try {
      return this.#codec.decode(bytes);
    } catch {
      return undefined;
    }
  }

  /** Without a token only a TCP connection held by the worker's own process counts. */
  async #isWorker({ addresses }: Connection): Promise<boolean> {
    return addresses !== undefined && (await this.#owners.isHeld(addresses));
  }

  #decide(connection: Connection, accepted: boolean, reason: string): void {
    if (accepted) {
      connection.accept();
    } else {
      connection.refuse(reason);
    }
  }

  /** Compared in constant time, so that the time does not reveal how much of a guess was right. */
  #isToken(guess: string): boolean {
    const [expected, given] = [Buffer.from(this.token), Buffer.from(guess)];
    return expected.length === given.length && timingSafeEqual(expected, given);
  }
}
