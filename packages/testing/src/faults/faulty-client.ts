// A client channel whose connection can be cut.

import { ConnectionError, type MultifrostError } from "@multifrost/protocol/errors";
import type {
  ClientChannel,
  ClientEvents,
  ClientTransport,
  CloseOptions,
  SendOptions,
  SendSettled,
} from "@multifrost/transport";
import type { FaultyInbox } from "./faulty-inbox.js";

interface Unsent {
  readonly bytes: Uint8Array;
  readonly settled: SendSettled | undefined;
  readonly options: SendOptions | undefined;
}

/** Opens its transport again after each cut. What is sent meanwhile waits. */
export class FaultyClient implements ClientChannel {
  readonly #transport: ClientTransport;
  readonly #events: ClientEvents;
  readonly #inbox: FaultyInbox;
  readonly #onClose: () => void;
  /** The connection in use; `undefined` from a cut until the transport is open again. */
  #channel: ClientChannel | undefined;
  #endpoint = "";
  #unsent: Unsent[] = [];
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #isUp = false;
  #isClosed = false;

  /** Rejects as the transport does. */
  static async open(
    transport: ClientTransport,
    events: ClientEvents,
    inbox: (cut: () => void) => FaultyInbox,
    onClose: () => void,
  ): Promise<FaultyClient> {
    const client = new FaultyClient(transport, events, inbox, onClose);
    await client.#open();
    return client;
  }

  private constructor(
    transport: ClientTransport,
    events: ClientEvents,
    inbox: (cut: () => void) => FaultyInbox,
    onClose: () => void,
  ) {
    this.#transport = transport;
    this.#events = events;
    this.#inbox = inbox(() => this.cut());
    this.#onClose = onClose;
  }

  get endpoint(): string {
    return this.#endpoint;
  }

  get queued(): number {
    return this.#unsent.length + (this.#channel?.queued ?? 0);
  }

  send(bytes: Uint8Array, settled?: SendSettled, options?: SendOptions): void {
    if (this.#channel !== undefined) {
      this.#channel.send(bytes, settled, options);
    } else if (this.#isClosed) {
      throw closed(this.#endpoint);
    } else {
      this.#unsent.push({ bytes, settled, options });
    }
  }

  /** Loses what is under way, calls `down`, and opens the transport again. */
  cut(): void {
    const channel = this.#channel;
    if (channel === undefined) {
      return;
    }
    this.#channel = undefined;
    this.#inbox.clear();
    const wasUp = this.#isUp;
    this.#isUp = false;
    this.#opening = this.#openAgain(channel);
    if (wasUp) {
      // No event comes from inside `send` or another event.
      queueMicrotask(() => this.#events.down());
    }
  }

  close(options?: CloseOptions): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  async #close(options: CloseOptions | undefined): Promise<void> {
    this.#isClosed = true;
    this.#onClose();
    this.#inbox.clear();
    if (this.#channel === undefined) {
      await this.#opening;
    }
    await this.#channel?.close(options);
    for (const { settled } of this.#unsent.splice(0)) {
      settled?.(closed(this.#endpoint));
    }
  }

  async #openAgain(before: ClientChannel): Promise<void> {
    await before.close();
    if (this.#isClosed) {
      return;
    }
    try {
      await this.#open();
    } catch (error) {
      if (!this.#isClosed) {
        this.#events.failed(error as MultifrostError);
      }
    }
  }

  async #open(): Promise<void> {
    // Events of a connection that was cut come late and mean nothing.
    let channel: ClientChannel | undefined;
    const isCurrent = (): boolean => !this.#isClosed && channel === this.#channel;
    const events = this.#events;
    const whenCurrent = (event: () => void): void => {
      if (isCurrent()) {
        event();
      }
    };
    channel = await this.#transport.open({
      up: () =>
        whenCurrent(() => {
          this.#isUp = true;
          events.up();
        }),
      down: () =>
        whenCurrent(() => {
          this.#inbox.flush();
          this.#isUp = false;
          events.down();
        }),
      dropped: (reason) => whenCurrent(() => events.dropped(reason)),
      failed: (error) => whenCurrent(() => events.failed(error)),
      ...(events.arrived && { arrived: (connection) => events.arrived?.(connection) }),
      refused: (reason) => whenCurrent(() => events.refused?.(reason)),
      notListening: () => whenCurrent(() => events.notListening?.()),
      message: (bytes) =>
        whenCurrent(() => this.#inbox.take(bytes, (arrived) => whenCurrent(() => events.message(arrived)))),
    });
    this.#channel = channel;
    this.#endpoint = channel.endpoint;
    for (const { bytes, settled, options } of this.#unsent.splice(0)) {
      channel.send(bytes, settled, options);
    }
  }
}

function closed(endpoint: string): ConnectionError {
  return new ConnectionError("CHANNEL_CLOSED", `The channel at ${endpoint} is closed.`, { endpoint });
}
