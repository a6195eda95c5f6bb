// A session: one connection to a worker, with the worker's process where this parent started it. Opened, proven by a
// heartbeat, watched, closed. After its end the lifecycle opens the next one.

import { createShutdown, type Feature, type MessageParts } from "@multifrost/protocol";
import { Deferred, joinParts, orAborted, withLimit } from "@multifrost/protocol/internal";
import type { HeartbeatMonitor, Silence } from "@multifrost/reliability";
import {
  type ClientChannel,
  type ClientEvents,
  chooseTransport,
  type SendOptions,
  type SendSettled,
} from "@multifrost/transport";
import type { Calls } from "../calls/calls.js";
import {
  ENDED_WITHOUT_CONNECTION,
  exitedEarly,
  killedAsStalled,
  type Loss,
  lostEarly,
  noConnection,
  noHeartbeat,
  startedTooLate,
} from "../errors.js";
import type { OnOutput } from "../process/process-output.js";
import type { WorkerProcess } from "../process/worker-process.js";
import { Admission } from "./admission.js";
import { ConnectionWatch } from "./connection-watch.js";
import { createHealthCheck, provesReachable } from "./health-check.js";
import { Inbound } from "./inbound.js";
import { openConnected } from "./open-connected.js";
import { openSpawned } from "./open-spawned.js";
import type { ActiveSession, ParentContext, SessionEvents } from "./types.js";
import { deliverOutput } from "./worker-output.js";

/**
 * How long a broken connection may precede the exit of its process, in milliseconds: the exit says more than the
 * connection does.
 */
const LOSS_GRACE_MS = 1_000;

/** Heartbeats go ahead of queued calls: they ask whether the worker answers, not how long the queue is. */
const URGENT: SendOptions = { urgent: true };

/** See {@link ActiveSession}. */
export class Session implements ActiveSession {
  readonly #context: ParentContext;
  readonly #calls: Calls;
  readonly #events: SessionEvents;
  readonly #health: HeartbeatMonitor;
  readonly #inbound: Inbound;
  /** `opening` until the worker is proven reachable; `closed` once the lifecycle lets go of it. */
  #phase: "opening" | "active" | "closed" = "opening";
  #channel: ClientChannel | undefined;
  readonly #connection = new ConnectionWatch();
  /** Decides which connection is a spawned worker's, where the transport tells them apart. */
  readonly #admission: Admission;
  /** Whether a broken connection is not restored: a private endpoint closes after its one guest. */
  #hasOneGuest = false;
  #process: WorkerProcess | undefined;
  /** Resolves when the end of the process has been handled. */
  #processEnded: Promise<void> | undefined;
  /** Runs between a broken connection and the report of it. */
  #lossGrace: NodeJS.Timeout | undefined;
  /** Whether `interrupted` was reported and `resumed` was not yet. */
  #isInterrupted = false;
  /** Why the session ended. */
  #loss: Loss | undefined;
  readonly #ended = new Deferred<void>();
  #closing: Promise<void> | undefined;

  /**
   * Opens a session; `events.opened` is called when the worker has been reached.
   *
   * Rejects with `SpawnError`, `ConnectionError`, `RegistryError`, or the signal's reason; then nothing is left open.
   */
  static async open(context: ParentContext, calls: Calls, events: SessionEvents, signal: AbortSignal): Promise<void> {
    const session = new Session(context, calls, events);
    try {
      await session.#open(signal);
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  private constructor(context: ParentContext, calls: Calls, events: SessionEvents) {
    this.#context = context;
    this.#calls = calls;
    this.#events = events;
    this.#admission = new Admission(context.codec);
    this.#health = createHealthCheck(context, {
      send: (bytes) => this.#sendHeartbeat(bytes),
      received: () => this.#connection.received,
      onStalled: (isStalled) => events.stalled(isStalled, this),
      onLost: (silence) => this.#onHeartbeatsLost(silence),
    });
    this.#inbound = new Inbound(context, calls, this.#health, (stream, line) => this.#onForwarded(stream, line));
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get lastRttMs(): number | undefined {
    return this.#health.lastRttMs;
  }

  get isProven(): boolean {
    return this.#inbound.hasAnswer;
  }

  get features(): ReadonlySet<Feature> {
    return this.#inbound.features;
  }

  get isListedByNode(): boolean {
    const { mode } = this.#context;
    return this.#hasOneGuest || (mode.kind === "service" && chooseTransport(mode.transport, process.env) === "zmtp");
  }

  get queued(): number {
    return this.#channel?.queued ?? 0;
  }

  send(bytes: Uint8Array | MessageParts, settled?: SendSettled, options?: SendOptions): void {
    if (this.#channel === undefined) {
      throw lostEarly(this.#endpoint, undefined);
    }
    if (bytes instanceof Uint8Array) {
      this.#channel.send(bytes, settled, options);
    } else if (this.#channel.sendParts !== undefined) {
      this.#channel.sendParts(bytes, settled, options);
    } else {
      this.#channel.send(joinParts(bytes), settled, options);
    }
  }

  #sendHeartbeat(bytes: Uint8Array): void {
    this.#inbound.expectAnswerTo(bytes);
    this.send(bytes, undefined, URGENT);
  }

  retire(): void {
    this.#health.stop();
  }

  close(): Promise<void> {
    this.#phase = "closed";
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #open(signal: AbortSignal): Promise<void> {
    const { clock, events } = this.#context.telemetry;
    const { codec, options } = this.#context;
    const { startTimeoutMs, heartbeatIntervalMs } = options;
    const deadline = clock.now() + startTimeoutMs;
    await this.#connect(signal);
    const connected = this.#connection.first.then(() => true);
    if (!(await withLimit(this.#unlessLost(connected), startTimeoutMs, () => false, signal))) {
      throw await this.#tooLate(noConnection(this.#endpoint, startTimeoutMs));
    }
    if (heartbeatIntervalMs > 0) {
      const proven = provesReachable(this.#health, Math.max(0, deadline - clock.now()));
      if (!(await orAborted(this.#unlessLost(proven), signal))) {
        throw await this.#tooLate(noHeartbeat(this.#endpoint, startTimeoutMs, codec.app));
      }
    }
    signal.throwIfAborted();
    this.#throwIfLost();
    const details = { endpoint: this.#endpoint };
    events.emit("socket_connect", { message: `Connected to ${this.#context.name}.`, details });
    this.#phase = "active";
    this.#health.start();
    this.#events.opened(this);
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { name, mode, codec, options, telemetry } = this.#context;
    const { maxMessageBytes } = codec.limits;
    const events = this.#channelEvents();
    if (mode.kind !== "spawned") {
      this.#channel = await openConnected(mode, maxMessageBytes, options.startTimeoutMs, events, signal);
      return;
    }
    const onOutput: OnOutput = (stream, line) => deliverOutput(telemetry, name, stream, line);
    events.arrived = (connection) => this.#admission.consider(connection);
    const opened = await openSpawned(mode, maxMessageBytes, events, this.#admission, onOutput, signal);
    const { channel, process, hasOneGuest } = opened;
    this.#channel = channel;
    this.#process = process;
    this.#hasOneGuest = hasOneGuest;
    const { pid, command, note } = process;
    const message = note === undefined ? `Started ${name}.` : `Started ${name} ${note}.`;
    telemetry.events.emit("process_spawn", { message, details: { pid, command } });
    this.#processEnded = this.#watchProcess(process);
  }

  /** What the channel reports. Before the first connection only that connection, or a failure, matters. */
  #channelEvents(): ClientEvents {
    const connection = this.#connection;
    return {
      message: (bytes, follows) => {
        connection.received++;
        this.#inbound.receive(bytes, follows);
      },
      dropped: (reason) => this.#inbound.drop(reason),
      refused: (reason) => this.#context.telemetry.reportRefused(reason),
      up: () => {
        if (connection.up()) {
          this.#onReconnected();
        }
      },
      down: () => {
        if (connection.down()) {
          this.#onDisconnected();
        }
      },
      failed: (error) => {
        connection.failed(error);
        if (this.#process === undefined) {
          this.#end({ kind: "connection", endpoint: this.#endpoint, cause: error });
        } else {
          // A child connects once: without its channel it can only be started again.
          void this.#process.terminate(false, ENDED_WITHOUT_CONNECTION);
        }
      },
    };
  }

  #onDisconnected(): void {
    switch (this.#context.mode.kind) {
      case "spawned":
        this.#lossGrace ??= setTimeout(() => this.#interrupt(), LOSS_GRACE_MS);
        break;
      case "service":
        // It may come back on another port: the next session looks it up again.
        this.#end({ kind: "connection", endpoint: this.#endpoint });
        break;
      case "composed":
        this.#interrupt();
        break;
      default:
        this.#context.mode satisfies never;
    }
  }

  #onReconnected(): void {
    if (this.#lossGrace !== undefined) {
      this.#interrupt();
    }
    if (this.#isInterrupted) {
      this.#isInterrupted = false;
      if (this.#phase === "active") {
        this.#events.resumed(this);
      }
    }
  }

  #interrupt(): void {
    clearTimeout(this.#lossGrace);
    this.#lossGrace = undefined;
    const endpoint = this.#process === undefined ? this.#endpoint : "its socket";
    const loss: Loss = { kind: "connection", endpoint };
    if (this.#phase === "opening") {
      this.#end(loss);
    } else if (this.#phase === "active" && this.#loss === undefined) {
      this.#isInterrupted = true;
      this.#events.interrupted(loss, this);
      if (this.#hasOneGuest) {
        void this.#process?.terminate(false, ENDED_WITHOUT_CONNECTION);
      }
    }
  }

  /** Handles the exit of the process, expected or not. */
  async #watchProcess(process: WorkerProcess): Promise<void> {
    const ended = await process.exited;
    await this.#connection.lastMessages();
    clearTimeout(this.#lossGrace);
    const unexpected = this.#phase === "active";
    const exit = { ...ended, callsInFlight: this.#calls.countSent(this) };
    this.#end({ kind: "exit", exit });
    this.#context.telemetry.reportExit(exit, unexpected);
  }

  #end(loss: Loss): void {
    if (this.#loss !== undefined) {
      return;
    }
    this.#loss = loss;
    this.#ended.resolve();
    if (this.#phase === "active") {
      this.#events.ended(loss, this);
    }
  }

  /** Settles as `work` does, or rejects when the session ends first. */
  #unlessLost<R>(work: Promise<R>): Promise<R> {
    const lost = this.#ended.promise.then(() => {
      this.#throwIfLost();
      return work;
    });
    return Promise.race([work, lost]);
  }

  #throwIfLost(): void {
    if (this.#loss?.kind === "exit") {
      throw exitedEarly(this.#loss.exit);
    }
    if (this.#loss?.kind === "connection") {
      throw lostEarly(this.#endpoint, this.#loss.cause);
    }
  }

  /** The error of a worker that cannot be reached in time. One that this parent started is ended first, to tell its end. */
  async #tooLate(error: Error): Promise<Error> {
    const { codec, options } = this.#context;
    if (this.#process === undefined) {
      return error;
    }
    const app = this.#connection.isUp ? codec.app : undefined;
    await this.#process.terminate(false);
    return startedTooLate(await this.#process.exited, options.startTimeoutMs, app);
  }

  /** A line of output that came as a message. Unlike lines from the pipes it is not in the tail of its stream yet. */
  #onForwarded(stream: "stdout" | "stderr", line: string): void {
    this.#process?.addOutput(stream, line);
    deliverOutput(this.#context.telemetry, this.#context.name, stream, line);
  }

  #onHeartbeatsLost({ silentMs }: Silence): void {
    if (this.#context.options.autoRestart) {
      this.#process?.kill("SIGKILL", killedAsStalled(silentMs));
    }
  }

  get #endpoint(): string {
    return this.#channel?.endpoint ?? this.#context.name;
  }

  /**
   * The channel stays open until the process has ended, so that its last output arrives. A worker that this parent did
   * not start may have other parents and goes on.
   */
  async #close(): Promise<void> {
    this.#health.stop();
    clearTimeout(this.#lossGrace);
    if (this.#process !== undefined) {
      await this.#process.terminate(this.#connection.isUp && this.#askToEnd());
      await this.#processEnded;
    }
    await this.#channel?.close();
  }

  /** Sends the shutdown message; returns whether the channel took it. */
  #askToEnd(): boolean {
    try {
      this.send(this.#context.codec.encode(createShutdown()));
      return true;
    } catch {
      // The channel is full or has failed: a signal ends the process.
      return false;
    }
  }
}
