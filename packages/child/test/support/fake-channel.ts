import type { MultifrostError } from "@multifrost/protocol/errors";
import type {
  CloseOptions,
  Peer,
  SendSettled,
  ServerChannel,
  ServerEvents,
  ServerTransport,
} from "@multifrost/transport";

/** One call of `send`. */
export interface Sent {
  readonly peer: Peer;
  readonly bytes: Uint8Array;
  readonly settled: SendSettled | undefined;
}

/** A channel that keeps what is sent instead of sending it. */
export class FakeChannel implements ServerChannel {
  readonly endpoint = "fake://";
  readonly sent: Sent[] = [];
  /** How often `close` was called, and with which options. */
  readonly closed: (CloseOptions | undefined)[] = [];
  queued = 0;
  /** Thrown by `send`, if set. */
  refusal: Error | undefined;
  /** Longest message that `send` takes, in bytes. */
  maxBytes = Number.POSITIVE_INFINITY;

  send(peer: Peer, bytes: Uint8Array, settled?: SendSettled): void {
    if (this.refusal !== undefined) {
      throw this.refusal;
    }
    if (bytes.length > this.maxBytes) {
      throw new Error(`The channel takes ${this.maxBytes} bytes.`);
    }
    this.sent.push({ peer, bytes, settled });
  }

  /** Settles every send so far. */
  settle(error?: MultifrostError): void {
    for (const { settled } of this.sent) {
      settled?.(error);
    }
  }

  async close(options?: CloseOptions): Promise<void> {
    this.closed.push(options);
  }
}

/** A transport that opens `channel` and keeps the handlers it was given. */
export class FakeTransport implements ServerTransport {
  readonly channel = new FakeChannel();
  #events: ServerEvents | undefined;

  /** Delivers events as the channel would. Only after `open` was called. */
  get events(): ServerEvents {
    if (this.#events === undefined) {
      throw new Error("The transport was not opened.");
    }
    return this.#events;
  }

  async open(events: ServerEvents): Promise<ServerChannel> {
    this.#events = events;
    return this.channel;
  }
}
