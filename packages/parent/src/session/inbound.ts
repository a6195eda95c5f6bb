// What the worker sends: bytes become a checked message, which is handled by its type. Nothing a peer sends ends this.

import { type Feature, featuresOf, type Message, NO_FEATURES } from "@multifrost/protocol";
import { MalformedMessageError, type MultifrostError, SerializationError } from "@multifrost/protocol/errors";
import { type HeartbeatMonitor, RareEvent } from "@multifrost/reliability";
import type { DropReason } from "@multifrost/transport";
import type { Calls } from "../calls/calls.js";
import type { OnOutput } from "../process/process-output.js";
import type { ParentContext } from "./types.js";

/** Types that answer a call. `undefined`: an unreadable message may not even reveal its type. */
const ANSWERS: ReadonlySet<string | undefined> = new Set(["response", "error", undefined]);

/** Handles the messages of one session. */
export class Inbound {
  readonly #context: ParentContext;
  readonly #calls: Calls;
  readonly #health: HeartbeatMonitor;
  readonly #onOutput: OnOutput;
  readonly #unreadable: RareEvent;
  readonly #late: RareEvent;
  /** The heartbeat that was sent last. */
  #heartbeat: Uint8Array | undefined;
  /** Whether the worker has answered a call or a heartbeat. */
  hasAnswer = false;
  /** What the worker has announced with its latest heartbeat answer. */
  features: ReadonlySet<Feature> = NO_FEATURES;
  /** When the latest message arrived, and those in one piece with it, on the monotonic clock, in milliseconds. */
  #arrivedAt = 0;

  constructor(context: ParentContext, calls: Calls, health: HeartbeatMonitor, onOutput: OnOutput) {
    this.#context = context;
    this.#calls = calls;
    this.#health = health;
    this.#onOutput = onOutput;
    const { events, clock } = context.telemetry;
    this.#unreadable = new RareEvent({ clock, events, name: "message_dropped" });
    this.#late = new RareEvent({ clock, events, name: "message_dropped" });
  }

  /** Takes note of a heartbeat that is sent: the same bytes are an echo, which proves no worker. */
  expectAnswerTo(heartbeat: Uint8Array): void {
    this.#heartbeat = heartbeat;
  }

  /**
   * Handles one message.
   *
   * @param follows Whether it arrived in one piece with the message before.
   */
  receive(bytes: Uint8Array, follows = false): void {
    if (!follows) {
      this.#arrivedAt = this.#context.telemetry.clock.now();
    }
    let message: Message;
    try {
      message = this.#context.codec.decode(bytes);
    } catch (error) {
      this.#dropUnreadable(error as MultifrostError);
      return;
    }
    this.#context.telemetry.notifyMessage(message);
    switch (message.type) {
      case "response":
        if (this.#calls.resolve(message, this.#arrivedAt)) {
          this.hasAnswer = true;
        } else {
          this.#dropLate(message);
        }
        break;
      case "error":
        if (this.#calls.rejectRemote(message)) {
          this.hasAnswer = true;
        } else {
          this.#dropLate(message);
        }
        break;
      case "stdout":
      case "stderr":
        this.#onOutput(message.type, message.output);
        break;
      case "heartbeat":
        // Always an answer: workers send no heartbeats, and answering an answer would never end.
        if (!this.#isEcho(bytes) && this.#health.answered(message.id)) {
          this.hasAnswer = true;
          this.features = featuresOf(message.metadata);
        } else {
          this.#dropLate(message);
        }
        break;
      case "call":
      case "shutdown":
      case "ready":
        // A parent has no methods, is not ended by its worker, and needs no `ready`.
        break;
      default:
        message satisfies never;
    }
  }

  #isEcho(bytes: Uint8Array): boolean {
    return this.#heartbeat !== undefined && Buffer.compare(bytes, this.#heartbeat) === 0;
  }

  /** Counts something that arrived and is not a message. */
  drop(reason: DropReason): void {
    this.#context.telemetry.metrics.messageDropped();
    this.#unreadable.emit(
      { message: `Received something that is not a message: ${reason}.`, details: { reason } },
      "warn",
    );
  }

  /** Counts an unreadable message. If its id can be read and a call waits for it, the call rejects. */
  #dropUnreadable(reason: MultifrostError): void {
    this.#context.telemetry.metrics.messageDropped();
    this.#unreadable.emit({ message: reason.message, details: { reason: reason.code } }, "warn");
    if (reason instanceof MalformedMessageError && reason.messageId !== undefined && ANSWERS.has(reason.messageType)) {
      const { name } = this.#context;
      this.#calls.reject(reason.messageId, (functionName) => {
        const message = `${name} answered '${functionName}' with something that cannot be read. ${reason.message}`;
        return new SerializationError(reason.code, message, { cause: reason });
      });
    }
  }

  /** Counts an answer to a call or heartbeat that has timed out, was aborted, or never was. */
  #dropLate({ type, id }: Message): void {
    this.#context.telemetry.metrics.messageDropped();
    this.#late.emit({ message: `A ${type} message arrived that nothing waits for.`, requestId: id }, "debug");
  }
}
