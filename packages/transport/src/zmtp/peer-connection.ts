// One connection to one peer: handshake, decision, reading in turns, heartbeats, and an end at which nothing is lost.

import type { Socket } from "node:net";
import { callSafely } from "@multifrost/protocol/internal";
import type { Connection, Peer } from "../channel.js";
import { channelClosed } from "../channel-errors.js";
import type { TcpAddress } from "../endpoint.js";
import type { SendQueue } from "../send-queue.js";
import { codeOf } from "../unreachable.js";
import { errorCommand, LONGEST_TTL_MS, pingCommand } from "./commands.js";
import { connectionLost } from "./errors.js";
import type { ReadTotals } from "./frame-reader.js";
import { FrameWriter } from "./frame-writer.js";
import { frame, MORE } from "./frames.js";
import { GREETING, type ZmtpVersion } from "./greeting.js";
import type { ZmtpPlan } from "./options.js";
import { payloadOf } from "./payload.js";
import { ProtocolError } from "./protocol-error.js";
import { ProtocolReader, type Received, type Signal, STRANGER_LIMITS } from "./protocol-reader.js";
import type { Holder } from "./room.js";
import { type ByteSink, CHUNK_BYTES } from "./sockets.js";
import { LEAST_COUNTED } from "./turns.js";

/** Messages of one peer in one turn of the event loop, and bytes of small ones; then the others have theirs. */
const PER_TURN = 256;
const BYTES_PER_TURN = 65_536;

/** How long a peer that was refused may take to close, in milliseconds. */
const REFUSAL_LINGER_MS = 1_000;

/** PING intervals without anything from the peer after which it is taken for dead. */
const SILENT_INTERVALS = 2;

const DELIMITER = frame(MORE, new Uint8Array(0));

/** How a connection ended. */
export interface ConnectionEnd {
  /** Whether it had been accepted. */
  readonly wasAccepted: boolean;
  /** A sentence about the peer; `undefined` if there never was a connection. */
  readonly reason: string | undefined;
  /** The system's code for why there never was a connection, such as `ECONNREFUSED`. */
  readonly failure: string | undefined;
  /** The reason in the peer's ERROR: it does not want this connection, now or later. */
  readonly refusal: string | undefined;
}

/** The channel of a connection. */
export interface ConnectionOwner {
  readonly endpoint: string;
  /** What is held of the incomplete messages of all peers. */
  readonly readTotals: ReadTotals;
  /** The handshake is complete. Names the connection and decides about it. */
  ready(connection: PeerConnection, identity: string): void;
  /** Takes the connection, unless it cannot; returns whether it did. */
  admit(connection: PeerConnection): boolean;
  /** A message of an accepted connection. `follows`: whether it arrived in one piece with the one before. */
  received(connection: PeerConnection, frames: readonly Uint8Array[], follows: boolean): void;
  /** Whether too much is held to read from this connection now. Then its `readOn` is called later. */
  mustWait(connection: PeerConnection): boolean;
  /** Whether a message of so many bytes may be handled in this turn. If not, `readOn` is called in a later one. */
  takesTurn(connection: PeerConnection, bytes: number): boolean;
  /** A message above the limit was skipped. */
  tooLarge(): void;
  /** Nothing more comes or goes. Called once. */
  ended(connection: PeerConnection, end: ConnectionEnd): void;
  /** The socket has been released. Called once, after `ended`. */
  released(connection: PeerConnection): void;
  /** Everything that was sent on the connection has been taken by the system. */
  idle(): void;
}

/** See {@link Connection}. */
export class PeerConnection implements Connection, ByteSink, Holder {
  peer: Peer = "";
  properties: ReadonlyMap<string, string> = new Map();
  /** What waits for this peer, on a server. */
  queue: SendQueue | undefined;
  /** Whether it has not sent a message yet, on a server. */
  isSilent = true;
  readonly writer: FrameWriter;
  readonly #owner: ConnectionOwner;
  readonly #plan: ZmtpPlan;
  readonly #reader: ProtocolReader;
  readonly #socket: Socket;
  readonly #released: Promise<void>;
  #phase: "handshake" | "undecided" | "accepted" | "ended" = "handshake";
  #wasConnected = false;
  #failure: string | undefined;
  /** Whether this end ends the connection because the channel closes. */
  #isFinishing = false;
  #receiver: ((bytes: Uint8Array) => void) | undefined;
  /** Whether it has sent a message before the decision. */
  #hasAnswered = false;
  /** Limits the handshake, and at the end the wait for the peer to close. */
  #timer: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #silentIntervals = 0;
  /** Ends the connection when the peer is silent for longer than it announced. */
  #ttl: NodeJS.Timeout | undefined;
  #isOverdue = false;
  #isReading = false;
  #isPaused = false;
  /** Messages read in this turn, and bytes of those that are small. */
  #taken = 0;
  #takenBytes = 0;
  /** A message that waits for its turn. */
  #next: Received | undefined;
  /** Whether the latest read filled its memory: then the next one may come in the same turn. */
  #readWasFull = false;
  #spaceBytes = 0;

  /** @param openSocket - Makes the socket, which passes what it reads to the sink. */
  constructor(owner: ConnectionOwner, plan: ZmtpPlan, openSocket: (sink: ByteSink) => Socket) {
    this.#owner = owner;
    this.#plan = plan;
    this.#reader = new ProtocolReader(plan.type);
    const socket = openSocket(this);
    this.#socket = socket;
    this.writer = new FrameWriter(socket, () => owner.idle());
    let cause: Error | undefined;
    socket.on("error", (error) => {
      cause = error;
      this.#failure = this.#wasConnected ? undefined : codeOf(error);
    });
    socket.on("connect", () => {
      this.#wasConnected = true;
    });
    this.#wasConnected = !socket.connecting;
    socket.on("end", () => this.#break("It closed the connection."));
    this.#released = new Promise((resolve) => {
      socket.on("close", () => {
        this.#break(cause === undefined ? "It closed the connection." : `The connection broke: ${cause.message}.`);
        clearTimeout(this.#timer);
        this.writer.settleRest(this.#isFinishing ? channelClosed(owner.endpoint) : connectionLost(owner.endpoint));
        owner.released(this);
        resolve();
      });
    });
    this.#timer = setTimeout(() => {
      this.#break(`It did not complete the handshake within ${plan.handshakeTimeoutMs} ms.`);
    }, plan.handshakeTimeoutMs);
    this.writer.writeNow(Buffer.concat([GREETING, plan.ready]));
  }

  get addresses(): { readonly local: TcpAddress; readonly remote: TcpAddress } | undefined {
    const { localAddress, localPort, remoteAddress, remotePort } = this.#socket;
    return localAddress === undefined ||
      localPort === undefined ||
      remoteAddress === undefined ||
      remotePort === undefined
      ? undefined
      : { local: { host: localAddress, port: localPort }, remote: { host: remoteAddress, port: remotePort } };
  }

  /** How far it has come on the way to a decision: has sent something, has completed the handshake, has sent a message. */
  get progress(): number {
    if (this.#phase === "handshake") {
      return this.#socket.bytesRead > 0 ? 1 : 0;
    }
    return this.#hasAnswered ? 3 : 2;
  }

  get heldUnread(): number {
    return this.#reader.held;
  }

  get heldUnsent(): number {
    const { queue } = this;
    return queue === undefined ? 0 : queue.heldBytes + this.writer.inFlight;
  }

  accept(): boolean {
    if (this.#phase !== "undecided" || !this.#owner.admit(this)) {
      return false;
    }
    this.#receiver = undefined;
    this.#phase = "accepted";
    const { limits, maxFrames } = this.#plan;
    const { maxMessageBytes } = limits;
    const { maxCommandBytes } = STRANGER_LIMITS;
    this.#reader.accept({ maxMessageBytes, maxFrames, maxCommandBytes }, this.#owner.readTotals);
    this.#readOnSoon();
    return true;
  }

  refuse(reason: string): void {
    if (this.#phase === "handshake" || this.#phase === "undecided") {
      this.#end(`It was refused: ${reason}`);
      this.#socket.end(errorCommand(reason));
      this.#destroyAfter(REFUSAL_LINGER_MS);
    }
  }

  challenge(bytes: Uint8Array): void {
    if (this.#phase === "undecided" && bytes.length <= STRANGER_LIMITS.maxMessageBytes) {
      this.writer.sendFirst(Buffer.concat([DELIMITER, frame(0, bytes)]));
    }
  }

  receive(message: (bytes: Uint8Array) => void): void {
    if (this.#phase === "undecided") {
      this.#receiver = message;
      this.#readOnSoon();
    }
  }

  /** Closes the connection at once. */
  abort(reason: string): void {
    this.#break(reason);
  }

  /**
   * Ends the connection in order: what was written is sent, then the end of it; what still comes is read and dropped, as
   * a socket that is closed with unread bytes takes back what the peer has not read yet. Resolves when the peer has closed
   * too, or after `lingerMs` milliseconds.
   */
  finish(lingerMs: number): Promise<void> {
    this.#isFinishing = true;
    if (this.#phase === "accepted") {
      this.#end("This end closed the connection.");
      this.#socket.end();
      this.#destroyAfter(lingerMs);
    } else {
      this.#break("This end closed the connection.");
    }
    return this.#released;
  }

  space(): Uint8Array | undefined {
    const space = this.#phase === "ended" ? undefined : this.#readerSpace();
    this.#spaceBytes = space?.length ?? CHUNK_BYTES;
    return space;
  }

  #readerSpace(): Uint8Array | undefined {
    try {
      return this.#reader.space();
    } catch (error) {
      this.#breakAfter(error);
      return undefined;
    }
  }

  filled(count: number): boolean {
    if (this.#phase === "ended") {
      return true;
    }
    this.#noteRead(count);
    this.#reader.filled(count);
    return this.#read();
  }

  chunk(bytes: Uint8Array): boolean {
    if (this.#phase === "ended") {
      return true;
    }
    this.#noteRead(bytes.length);
    try {
      this.#reader.push(bytes);
    } catch (error) {
      this.#breakAfter(error);
      return false;
    }
    return this.#read();
  }

  #noteRead(count: number): void {
    this.#silentIntervals = 0;
    if (this.#ttl !== undefined) {
      this.#isOverdue = false;
      this.#ttl.refresh();
    }
    if (!this.#readWasFull) {
      this.#taken = 0;
      this.#takenBytes = 0;
    }
    this.#readWasFull = count === this.#spaceBytes;
  }

  /** Handles what has arrived, up to the share of this turn. Returns whether to read on. */
  #read(): boolean {
    this.#isReading = true;
    let follows = false;
    try {
      while (this.#phase !== "ended") {
        if (this.#phase === "undecided" && this.#receiver === undefined && this.#reader.hasRest) {
          return this.#pause();
        }
        const isOver = this.#taken >= PER_TURN || this.#takenBytes >= BYTES_PER_TURN;
        if (isOver && (this.#reader.hasRest || this.#readWasFull)) {
          setImmediate(this.readOn);
          return this.#pause();
        }
        if (this.#phase === "accepted" && this.#owner.mustWait(this)) {
          return this.#pause();
        }
        const received = this.#next ?? this.#reader.next();
        if (received === undefined) {
          return true;
        }
        this.#next = undefined;
        if (!this.#hasTurn(received)) {
          this.#next = received;
          return this.#pause();
        }
        this.#taken += 1;
        this.#handle(received, follows);
        follows = true;
      }
    } catch (error) {
      this.#breakAfter(error);
    } finally {
      this.#isReading = false;
    }
    return true;
  }

  /** Large messages of all peers take turns; small ones are counted. */
  #hasTurn(received: Received): boolean {
    const bytes = Array.isArray(received) ? (received[1]?.length ?? 0) : 0;
    if (bytes >= LEAST_COUNTED && this.#phase === "accepted") {
      return this.#owner.takesTurn(this, bytes);
    }
    this.#takenBytes += bytes;
    return true;
  }

  #pause(): false {
    this.#isPaused = true;
    this.#reader.keepRest();
    return false;
  }

  /** Continues after a pause. Messages come in a later turn than the decision. */
  #readOnSoon(): void {
    if (this.#isPaused && !this.#isReading) {
      setImmediate(this.readOn);
    }
  }

  readonly readOn = (): void => {
    if (this.#isPaused && !this.#socket.destroyed) {
      this.#isPaused = false;
      this.#taken = 0;
      this.#takenBytes = 0;
      this.#readWasFull = false;
      if (this.#read()) {
        this.#socket.resume();
      }
    }
  };

  #handle(received: Received, follows: boolean): void {
    if (!Array.isArray(received)) {
      this.#handleSignal(received);
    } else if (this.#phase === "accepted") {
      this.#owner.received(this, received, follows);
    } else if (this.#receiver !== undefined) {
      const payload = payloadOf(received);
      const receiver = this.#receiver;
      this.#hasAnswered = true;
      if (payload !== undefined) {
        callSafely(() => receiver(payload));
      }
    }
  }

  #handleSignal(signal: Signal): void {
    switch (signal.kind) {
      case "ready":
        this.#phase = "undecided";
        clearTimeout(this.#timer);
        this.properties = signal.ready.properties;
        this.#startHeartbeat(signal.version);
        this.#owner.ready(this, signal.ready.identity);
        break;
      case "ping":
        this.writer.sendFirst(signal.pong);
        this.#limitSilence(signal.ttlMs);
        break;
      case "refusal":
        this.#end(`It refused the connection: ${signal.reason}`, signal.reason);
        this.#socket.destroy();
        break;
      case "too-large":
        this.#owner.tooLarge();
        break;
      default:
        signal satisfies never;
    }
  }

  /** The peer has announced how long it may stay silent, in milliseconds. */
  #limitSilence(ttlMs: number): void {
    clearTimeout(this.#ttl);
    const check = () => {
      // The event loop may have been blocked: what has arrived meanwhile is read first.
      this.#isOverdue = true;
      setImmediate(() => {
        if (this.#isPaused) {
          this.#ttl?.refresh();
        } else if (this.#isOverdue) {
          this.#break(`It sent nothing for ${ttlMs} ms, the limit in its own PING.`);
        }
      });
    };
    this.#ttl = ttlMs > 0 ? setTimeout(check, ttlMs) : undefined;
  }

  /** Only from version 3.1 on: others treat a PING as a message, or close. */
  #startHeartbeat({ major, minor }: ZmtpVersion): void {
    const { heartbeatIntervalMs } = this.#plan;
    if (heartbeatIntervalMs > 0 && (major > 3 || minor >= 1)) {
      const ping = pingCommand(heartbeatIntervalMs < LONGEST_TTL_MS ? heartbeatIntervalMs * SILENT_INTERVALS : 0);
      this.#heartbeat = setInterval(() => {
        this.#silentIntervals += 1;
        if (this.#silentIntervals > SILENT_INTERVALS) {
          this.#break(`It sent nothing for ${heartbeatIntervalMs * SILENT_INTERVALS} ms.`);
        } else {
          this.writer.sendFirst(ping);
        }
      }, heartbeatIntervalMs);
    }
  }

  /** Ends the connection and closes the socket at once. */
  #break(reason: string): void {
    this.#end(reason);
    this.#socket.destroy();
  }

  #breakAfter(error: unknown): void {
    if (!(error instanceof ProtocolError)) {
      throw error;
    }
    this.#break(error.message);
  }

  #end(reason: string, refusal?: string): void {
    if (this.#phase === "ended") {
      return;
    }
    const wasAccepted = this.#phase === "accepted";
    this.#phase = "ended";
    clearTimeout(this.#timer);
    clearInterval(this.#heartbeat);
    clearTimeout(this.#ttl);
    this.writer.stop();
    this.#reader.close();
    const said = this.#wasConnected ? reason : undefined;
    this.#owner.ended(this, { wasAccepted, reason: said, failure: this.#failure, refusal });
    this.#readToTheEnd();
  }

  /** Reads and drops what still comes. */
  #readToTheEnd(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  #destroyAfter(ms: number): void {
    this.#timer = setTimeout(() => this.#socket.destroy(), ms);
  }
}
