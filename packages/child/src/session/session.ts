import { type Codec, createError, type Message } from "@multifrost/protocol";
import { type ConnectionError, MalformedMessageError, type MultifrostError } from "@multifrost/protocol/errors";
import type { EventLog, RareEvent } from "@multifrost/reliability";
import type { DropReason, Peer, SendOptions, ServerChannel, ServerEvents } from "@multifrost/transport";
import { CallRunner } from "../calls/call-runner.js";
import { CallTelemetry, clock } from "../calls/call-telemetry.js";
import { FEATURES, type MethodTable } from "../calls/method-table.js";
import type { ResolvedChildOptions } from "../options.js";
import { ParentWatch } from "./parent-watch.js";
import { Peers } from "./peers.js";
import { type StartMode, serverTransport } from "./start-mode.js";

/**
 * How long answers that are already queued may take to go out, in milliseconds: a busy parent does not read them, and 64 MiB
 * take more than 5 s on a busy machine. A parent that is gone ends this at once.
 */
const FLUSH_TIMEOUT_MS = 30_000;

/** How long a worker that no parent asked to end refuses calls before it closes, in milliseconds. */
const REFUSAL_MS = 100;

/** Why a session asks for the end of the worker. */
export type SessionEnd =
  /** A parent that may end this worker sent `shutdown`. */
  | { readonly cause: "shutdown" }
  /** The channel failed for good. */
  | { readonly cause: "channel-failed" }
  /** The parent that spawned this worker is gone, and its process has ended if `isDead`. */
  | { readonly cause: "parent-gone"; readonly error: ConnectionError; readonly isDead: boolean };

/** How a session is opened. */
export interface SessionOptions {
  readonly mode: StartMode;
  readonly options: ResolvedChildOptions;
  readonly methods: MethodTable;
  readonly codec: Codec;
  readonly events: EventLog;
  /** Counts messages that were dropped, and answers that could not be sent. */
  readonly drops: RareEvent;
}

/** One channel, the parents on it and their calls. Whatever a peer sends, the session goes on. */
export class Session {
  readonly #channel: ServerChannel;
  readonly #watch: ParentWatch | undefined;
  readonly #onEnd: (end: SessionEnd) => void;
  readonly #mode: StartMode["kind"];
  /** Whether a parent may end this worker. */
  readonly #obeysShutdown: boolean;
  /** Sent with heartbeat answers until the first call, where the connection itself could not bring it. */
  readonly #proof: string | undefined;
  /** Whether a parent asked for the end, and so makes no more calls. */
  #wasAsked = false;
  /** Whether a parent has made a call: a spawned worker has been accepted then. */
  #wasCalled = false;
  readonly #codec: Codec;
  readonly #events: EventLog;
  readonly #drops: RareEvent;
  readonly peers: Peers;
  readonly calls: CallRunner;
  /** When the latest message arrived, and those in one piece with it, on the monotonic clock, in milliseconds. */
  #arrivedAt = 0;

  /**
   * Opens the channel of the start mode. Rejects with `ConnectionError` (`UNREACHABLE`, `TRANSPORT_UNAVAILABLE`); then nothing
   * is left open.
   *
   * @param onEnd Called when the worker should end, possibly more than once.
   */
  static async open(options: SessionOptions, onEnd: (end: SessionEnd) => void): Promise<Session> {
    const { mode } = options;
    const watch =
      mode.kind === "spawned"
        ? new ParentWatch(mode, (error, isDead) => onEnd({ cause: "parent-gone", error, isDead }))
        : undefined;
    const inbound = new Inbound();
    try {
      const transport = serverTransport(mode, options.options.host, options.codec.limits);
      const channel = await transport.open(inbound);
      const peers = new Peers(channel, transport.capabilities?.tellsPeersApart);
      const session = new Session(channel, peers, watch, options, onEnd);
      inbound.deliverTo(session);
      return session;
    } catch (error) {
      watch?.stop();
      throw error;
    }
  }

  private constructor(
    channel: ServerChannel,
    peers: Peers,
    watch: ParentWatch | undefined,
    { mode, options, methods, codec, events, drops }: SessionOptions,
    onEnd: (end: SessionEnd) => void,
  ) {
    this.#channel = channel;
    this.#watch = watch;
    this.#onEnd = onEnd;
    this.#mode = mode.kind;
    this.#obeysShutdown = mode.kind === "spawned" || options.allowRemoteShutdown;
    this.#proof = mode.kind === "spawned" && mode.transport === "zeromq" ? mode.token : undefined;
    this.#codec = codec;
    this.#events = events;
    this.#drops = drops;
    this.peers = peers;
    this.calls = new CallRunner(options, codec, methods, peers, new CallTelemetry(events, drops));
  }

  /** Where the worker is reached. */
  get endpoint(): string {
    return this.#channel.endpoint;
  }

  /**
   * Resolves when calls may be left without an answer: a call that gets none may have run, as far as its parent knows, so a worker
   * that no parent asked to end refuses calls for a while.
   */
  async refuseCalls(): Promise<void> {
    const [parent] = this.peers;
    if (this.#mode !== "composed" && !this.#wasAsked && parent !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, REFUSAL_MS));
    }
  }

  /** Sends what is queued for up to 30 s and closes the channel. Never rejects. */
  async close(): Promise<void> {
    this.#watch?.stop();
    try {
      await this.#channel.close({ flushTimeoutMs: FLUSH_TIMEOUT_MS });
    } catch (error) {
      this.#events.emit("socket_disconnect", { message: "The channel could not be closed.", err: error });
    }
  }

  message(peer: Peer, bytes: Uint8Array, follows = false): void {
    if (!follows) {
      this.#arrivedAt = clock.now();
    }
    let message: Message;
    try {
      message = this.#codec.decode(bytes);
    } catch (error) {
      this.#refuse(peer, error);
      return;
    }
    this.peers.seen(peer);
    switch (message.type) {
      case "call":
        this.#wasCalled = true;
        this.calls.take({ peer, message, arrivedAt: this.#arrivedAt, bytes: this.#codec.decodedBytes() });
        break;
      case "heartbeat":
        // An answer is not answered again: the two sides would never stop.
        if (message.metadata?.hb_response !== true) {
          this.#answer(peer, bytes, message.id);
        }
        break;
      case "shutdown":
        this.#shutDown();
        break;
      case "response":
      case "error":
      case "stdout":
      case "stderr":
      case "ready":
        // Only children send these.
        break;
      default:
        message satisfies never;
    }
  }

  up(): void {
    this.#watch?.connectionUp();
    this.#events.emit("socket_connect");
  }

  down(): void {
    this.#watch?.connectionDown(this.#wasCalled);
    // Not a warning: for a service, one of its parents has left.
    this.#events.emit("socket_disconnect", { details: { mode: this.#mode } }, "info");
  }

  notListening(): void {
    this.#watch?.notListening();
  }

  dropped(reason: DropReason): void {
    const message = `The channel received something that is no message: ${reason}.`;
    this.#drops.emit({ message, details: { reason: "MALFORMED_MESSAGE" } });
  }

  failed(error: MultifrostError): void {
    this.#events.emit("socket_disconnect", { message: "The channel failed for good.", err: error }, "error");
    this.#onEnd({ cause: "channel-failed" });
  }

  /** A service has parents that did not start it: what one of them wants is no reason to leave the others. */
  #shutDown(): void {
    if (this.#obeysShutdown) {
      this.#wasAsked = this.#mode === "spawned";
      this.#onEnd({ cause: "shutdown" });
      return;
    }
    const message = "A parent asked this service to end; it goes on, because allowRemoteShutdown is false.";
    this.#drops.emit({ message, details: { reason: "SHUTDOWN_REFUSED" } });
  }

  /** Drops what cannot be read. A call is answered all the same if its id can be read: its caller waits. */
  #refuse(peer: Peer, error: unknown): void {
    if (!(error instanceof MalformedMessageError)) {
      this.#drops.emit({ message: "A message could not be read.", err: error });
      return;
    }
    const { name, code, message, messageType, messageId } = error;
    this.#drops.emit({ message, details: { reason: code } });
    if (messageType === "call" && messageId !== undefined) {
      this.#reply(peer, createError(messageId, { name, code, message }));
    }
  }

  /** Ahead of queued answers to calls: a heartbeat asks whether the worker answers, not how much it has to say. */
  #answer(peer: Peer, heartbeat: Uint8Array, id: string): void {
    const token = this.#wasCalled ? undefined : this.#proof;
    this.#send(peer, id, () => this.#codec.answerHeartbeat(heartbeat, { features: FEATURES, token }), { urgent: true });
  }

  #reply(peer: Peer, message: Message): void {
    this.#send(peer, message.id, () => this.#codec.encode(message));
  }

  #send(peer: Peer, requestId: string, bytes: () => Uint8Array, options?: SendOptions): void {
    try {
      this.peers.send(peer, bytes(), undefined, options);
    } catch (error) {
      this.#drops.emit({ message: "An answer could not be sent.", requestId, err: error });
    }
  }
}

/**
 * The events of a channel. A transport may deliver some before `open` has handed the channel over: these wait for the
 * session, in order.
 *
 * Handlers are arrow functions, as a transport may keep one apart from this object.
 */
class Inbound implements ServerEvents {
  #session: Session | undefined;
  readonly #early: ((session: Session) => void)[] = [];

  readonly message = (peer: Peer, bytes: Uint8Array, follows?: boolean): void => {
    if (this.#session === undefined) {
      this.#early.push((session) => session.message(peer, bytes, follows));
    } else {
      this.#session.message(peer, bytes, follows);
    }
  };
  readonly up = (): void => this.#deliver((session) => session.up());
  readonly down = (): void => this.#deliver((session) => session.down());
  readonly notListening = (): void => this.#deliver((session) => session.notListening());
  readonly dropped = (reason: DropReason): void => this.#deliver((session) => session.dropped(reason));
  readonly failed = (error: MultifrostError): void => this.#deliver((session) => session.failed(error));
  readonly peerGone = (peer: Peer): void => this.#deliver(({ peers }) => peers.gone(peer));

  /** Delivers what has arrived so far, and from now on each event at once. */
  deliverTo(session: Session): void {
    for (const event of this.#early) {
      event(session);
    }
    this.#early.length = 0;
    this.#session = session;
  }

  #deliver(event: (session: Session) => void): void {
    if (this.#session === undefined) {
      this.#early.push(event);
    } else {
      event(this.#session);
    }
  }
}
