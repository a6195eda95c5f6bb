// What a peer sends, from its first byte: greeting, READY, then messages and commands. Knows no socket.

import {
  type Ping,
  parseCommand,
  parseError,
  parsePing,
  parseReady,
  type ReadyProperties,
  type SocketType,
} from "./commands.js";
import {
  type Arrival,
  CommandFrame,
  FrameReader,
  type ReadLimits,
  type ReadTotals,
  TOO_LARGE,
} from "./frame-reader.js";
import { GreetingReader, type ZmtpVersion } from "./greeting.js";
import { ProtocolError } from "./protocol-error.js";

/** Anything but a message. */
export type Signal =
  | { readonly kind: "ready"; readonly version: ZmtpVersion; readonly ready: ReadyProperties }
  | ({ readonly kind: "ping" } & Ping)
  /** The peer does not want this connection. */
  | { readonly kind: "refusal"; readonly reason: string }
  | { readonly kind: "too-large" };

/** The frames of a message, or something else. */
export type Received = Uint8Array[] | Signal;

/** The limits until the peer has been accepted: enough for a READY, a heartbeat and its answer. */
export const STRANGER_LIMITS: ReadLimits = { maxMessageBytes: 65_536, maxFrames: 16, maxCommandBytes: 8192 };

/** The protocol, seen from the reading side. Everything in it is checked; whatever is wrong throws `ProtocolError`. */
export class ProtocolReader {
  readonly #type: SocketType;
  readonly #greeting = new GreetingReader();
  readonly #frames: FrameReader;
  #isReady = false;

  /** @param type - The kind of socket at this end. */
  constructor(type: SocketType) {
    this.#type = type;
    this.#frames = new FrameReader(STRANGER_LIMITS);
    this.#frames.skipsTooLarge = false;
  }

  /** Applies the limits of a peer that has been accepted: messages above them are skipped. */
  accept(limits: ReadLimits, totals?: ReadTotals): void {
    if (totals !== undefined) {
      this.#frames.countIn(totals);
    }
    this.#frames.limits = limits;
    this.#frames.skipsTooLarge = true;
  }

  /** See {@link FrameReader.push}. Throws `ProtocolError` for a wrong greeting. */
  push(chunk: Uint8Array): void {
    const rest = this.#greeting.isComplete ? chunk : chunk.subarray(this.#greeting.take(chunk));
    if (rest.length > 0) {
      this.#frames.push(rest);
    }
  }

  /** See {@link FrameReader.space}. */
  space(): Uint8Array | undefined {
    return this.#frames.space();
  }

  /** See {@link FrameReader.filled}. */
  filled(count: number): void {
    this.#frames.filled(count);
  }

  /** See {@link FrameReader.held}. */
  get held(): number {
    return this.#frames.held;
  }

  /** See {@link FrameReader.close}. */
  close(): void {
    this.#frames.close();
  }

  /** See {@link FrameReader.keepRest}. */
  keepRest(): void {
    this.#frames.keepRest();
  }

  get hasRest(): boolean {
    return this.#frames.hasRest;
  }

  /** What arrived next; `undefined` until more bytes come. Throws `ProtocolError`. */
  next(): Received | undefined {
    for (;;) {
      const arrival = this.#frames.next();
      if (arrival === undefined) {
        return undefined;
      }
      if (this.#isReady && !(arrival instanceof CommandFrame) && arrival !== TOO_LARGE) {
        return arrival;
      }
      const signal = this.#isReady ? signalOf(arrival) : this.#firstSignal(arrival);
      if (signal !== undefined) {
        return signal;
      }
    }
  }

  /** Before READY nothing else may come but an ERROR. */
  #firstSignal(arrival: Arrival): Signal {
    const command = arrival instanceof CommandFrame ? parseCommand(arrival.body) : undefined;
    if (command?.name === "ERROR") {
      return { kind: "refusal", reason: parseError(command.body) };
    }
    if (command?.name !== "READY") {
      throw new ProtocolError("It sent something else before READY.");
    }
    const ready = parseReady(command.body, this.#type);
    this.#isReady = true;
    return { kind: "ready", version: this.#greeting.version, ready };
  }
}

/** The meaning of a command after READY. Those without one are ignored, as libzmq does. */
function signalOf(arrival: Arrival): Signal | undefined {
  if (arrival === TOO_LARGE) {
    return { kind: "too-large" };
  }
  const command = arrival instanceof CommandFrame ? parseCommand(arrival.body) : undefined;
  if (command?.name === "PING") {
    return { kind: "ping", ...parsePing(command.body) };
  }
  if (command?.name === "ERROR") {
    return { kind: "refusal", reason: parseError(command.body) };
  }
  return undefined;
}
