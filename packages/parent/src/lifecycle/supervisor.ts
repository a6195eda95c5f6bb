// Opens sessions and decides what follows when one breaks or ends: calls in flight reject, and the worker is brought
// back or given up.

import { type ExitDetails, SpawnError } from "@multifrost/protocol/errors";
import { pause, withLimit } from "@multifrost/protocol/internal";
import type { Calls } from "../calls/calls.js";
import { callLost, cutOff, type Loss, workerGone } from "../errors.js";
import { Session } from "../session/session.js";
import type { ActiveSession, ParentContext, SessionEvents } from "../session/types.js";
import type { CurrentSession } from "./current-session.js";
import { watchForgottenStop } from "./forgotten-stop.js";
import { Restarts } from "./restarts.js";

/** Keeps one parent supplied with a session. */
export class Supervisor implements SessionEvents {
  readonly #context: ParentContext;
  readonly #current: CurrentSession;
  readonly #calls: Calls;
  readonly #onReady: () => void;
  readonly #signal: AbortSignal;
  readonly #restarts: Restarts;
  #forgottenStop: { stop(): void } | undefined;
  /** The latest attempt to open a session. Never rejects. */
  #opening: Promise<void> = Promise.resolve();
  /** Every session that is being closed, or finishes its calls first. Never rejects. */
  #closing: Promise<unknown> = Promise.resolve();
  /** The replacement that is being opened. */
  #replacing: { readonly controller: AbortController; loss?: Loss } | undefined;

  /**
   * @param onReady Called each time the worker can be reached, after the calls that waited were sent.
   * @param signal Aborts whatever is being opened or awaited, for `stop()`.
   */
  constructor(context: ParentContext, current: CurrentSession, calls: Calls, onReady: () => void, signal: AbortSignal) {
    this.#context = context;
    this.#current = current;
    this.#calls = calls;
    this.#onReady = onReady;
    this.#signal = signal;
    this.#restarts = new Restarts(context.telemetry.clock, context.options);
  }

  /** Opens a session; then the state is `running` and calls that waited are sent. Rejects as `Session.open` does. */
  async open(signal: AbortSignal = this.#signal): Promise<void> {
    const opened = Session.open(this.#context, this.#calls, this, signal);
    this.#opening = opened.catch(() => {});
    await opened;
  }

  /**
   * Opens another session while the one in use goes on. Then calls go to it, and the one before finishes its calls and closes.
   * Resolves when that has closed. Rejects as `Session.open` does, or with the reason of {@link cancelReplacing}; then the one in
   * use stays. If that ends meanwhile, calls wait for the other one.
   */
  async replace(): Promise<void> {
    const controller = new AbortController();
    const replacing: { readonly controller: AbortController; loss?: Loss } = { controller };
    this.#replacing = replacing;
    const previousPid = this.#current.session?.pid;
    try {
      await this.open(AbortSignal.any([this.#signal, controller.signal]));
    } catch (error) {
      if (replacing.loss !== undefined && !this.#current.isLeaving) {
        this.#bringBack(replacing.loss);
      }
      throw error;
    } finally {
      this.#replacing = undefined;
    }
    this.#reportReload(previousPid);
    await this.#closing;
  }

  /** Gives up the replacement that is being opened, if there is one. */
  cancelReplacing(reason: Error): void {
    this.#replacing?.controller.abort(reason);
  }

  /** Resolves when no session is being opened. Never rejects. */
  async settled(): Promise<void> {
    await this.#opening;
  }

  /** Closes the session in use. Resolves when it and all before it are closed. Never rejects. */
  async close(): Promise<void> {
    const session = this.#current.release();
    this.#forgottenStop?.stop();
    this.#closing = Promise.all([this.#closing, session?.close()]);
    await this.#closing;
  }

  opened(session: ActiveSession): void {
    const { name, telemetry } = this.#context;
    this.#forgottenStop?.stop();
    this.#forgottenStop = watchForgottenStop(this.#calls, session.isListedByNode, name, telemetry.events);
    telemetry.closeCircuits("worker is back");
    // Whatever ends from now on is not replaced any more.
    this.#replacing = undefined;
    const before = this.#current.release();
    this.#current.use(session);
    if (before !== undefined) {
      this.#closing = Promise.all([this.#closing, this.#finish(before)]);
    }
    this.#ready();
  }

  interrupted(loss: Loss, session: ActiveSession): void {
    if (session === this.#current.session && !this.#current.isLeaving) {
      this.#reportBreak(loss);
      this.#current.enter("reconnecting");
    }
    this.#countLoss(loss, session);
  }

  resumed(session: ActiveSession): void {
    if (session === this.#current.session && !this.#current.isLeaving) {
      this.#reportReconnect();
      this.#current.enter("running");
      this.#ready();
    }
  }

  stalled(isStalled: boolean, session: ActiveSession): void {
    if (session === this.#current.session) {
      this.#current.setStalled(isStalled);
    }
  }

  ended(loss: Loss, session: ActiveSession): void {
    if (session !== this.#current.session) {
      // It was replaced, and finished its calls.
      this.#calls.rejectSent((call) => callLost(call.name, this.#context.name, loss), session);
      return;
    }
    const { mode, options } = this.#context;
    // A process that starts, answers and crashes is slowed down. Looking for a service costs little.
    const isProvenService = mode.kind === "service" && session.isProven;
    if (isProvenService || this.#current.ageMs >= options.restartWindowMs) {
      this.#restarts.wasWell();
    }
    void this.close();
    if (this.#current.isLeaving) {
      this.#countLoss(loss, session);
      return;
    }
    this.#reportBreak(loss);
    if (loss.kind === "exit") {
      this.#restarts.ended(loss.exit);
    }
    const isReplaced = this.#replacing !== undefined;
    if (isReplaced || this.#recovers) {
      this.#current.enter(mode.kind === "spawned" ? "restarting" : "reconnecting");
    }
    this.#countLoss(loss, session);
    if (this.#replacing !== undefined) {
      this.#replacing.loss = loss;
    } else {
      this.#bringBack(loss);
    }
  }

  /** Reports that the worker is back after a restart or reconnect. `exit`: how the process before it ended. */
  cameBack(exit: ExitDetails | undefined): void {
    const { name, mode, telemetry } = this.#context;
    this.#restarts.cameBack();
    if (mode.kind !== "spawned") {
      this.#reportReconnect();
      return;
    }
    const pid = this.#current.session?.pid;
    telemetry.metrics.restarted();
    telemetry.events.emit("worker_restart", { message: `${name} was restarted.`, details: { pid } });
    telemetry.notify("restart", { exit, pid });
  }

  /** A restart by hand gives the worker all its restarts back. */
  refill(): void {
    this.#restarts.refill();
  }

  /** The worker could not be brought back by hand. */
  restartFailed(error: unknown): void {
    this.#giveUp(this.#noteFailedStart(error) ?? { kind: "connection", endpoint: this.#context.name });
  }

  /** Whether another session follows one that ends. */
  get #recovers(): boolean {
    const { mode, options } = this.#context;
    return mode.kind === "service" || (mode.kind === "spawned" && options.autoRestart);
  }

  #bringBack(loss: Loss): void {
    if (this.#recovers) {
      // Rejects only when stop() was called meanwhile, which does the rest.
      this.#recover(loss).catch(() => {});
    } else {
      this.#giveUp(loss);
    }
  }

  /** Opens sessions with backoff until one works, or until the restarts of a process are used up. */
  async #recover(loss: Loss): Promise<void> {
    const { name, mode, telemetry } = this.#context;
    const isProcess = mode.kind === "spawned";
    let latest = loss;
    while (!isProcess || this.#restarts.tryTake()) {
      await pause(this.#restarts.nextDelayMs(), this.#signal);
      const error = await this.open().catch((reason: Error) => reason);
      if (error === undefined) {
        this.cameBack(loss.kind === "exit" ? loss.exit : undefined);
        return;
      }
      this.#signal.throwIfAborted();
      latest = this.#noteFailedStart(error) ?? latest;
      const event = isProcess ? "worker_restart" : "socket_reconnect";
      telemetry.events.emit(event, { message: `${name} did not come back yet.`, err: error }, "warn");
    }
    telemetry.breaker.trip("restarts used up");
    this.#giveUp(latest.kind === "exit" ? { ...latest, exits: this.#restarts.exits } : latest);
  }

  /** The loss that a failed start is, where a process was started. */
  #noteFailedStart(error: unknown): Loss | undefined {
    if (!(error instanceof SpawnError)) {
      return undefined;
    }
    this.#restarts.ended(error);
    return { kind: "exit", exit: error, exits: this.#restarts.exits };
  }

  #giveUp(loss: Loss): void {
    const { name, telemetry } = this.#context;
    this.#current.giveUp(loss);
    if (loss.kind === "exit" && loss.exits !== undefined) {
      const details = { exits: loss.exits.length };
      telemetry.events.emit("worker_failed", { message: `${name} has failed and is not restarted.`, details });
    }
    this.#calls.rejectAll((call) => workerGone(call.name, name, loss));
  }

  /** Gives the calls of a session that was replaced `stopTimeout` to finish, closes it, and rejects what is left of them. */
  async #finish(session: ActiveSession): Promise<void> {
    const { name, options } = this.#context;
    session.retire();
    await withLimit(this.#calls.allAnswered(session), options.stopTimeoutMs, () => {});
    await session.close();
    this.#calls.rejectSent((call) => cutOff(call.name, name, "reloaded", options.stopTimeoutMs), session);
  }

  #ready(): void {
    this.#calls.sendWaiting();
    this.#onReady();
  }

  /** One failure of the worker, however many calls were waiting for it. */
  #countLoss(loss: Loss, session: ActiveSession): void {
    const { name, telemetry } = this.#context;
    this.#calls.rejectSent((call) => callLost(call.name, name, loss), session);
    const admission = telemetry.breaker.admit();
    if (admission.admitted) {
      telemetry.breaker.failure(admission);
    }
  }

  /** Logs a broken connection. An exit is reported with the process. */
  #reportBreak(loss: Loss): void {
    if (loss.kind === "connection") {
      this.#context.telemetry.events.emit("socket_disconnect", {
        message: `The connection to ${this.#context.name} broke.`,
        details: { endpoint: loss.endpoint },
        ...(loss.cause && { err: loss.cause }),
      });
    }
  }

  #reportReload(previousPid: number | undefined): void {
    const { name, telemetry } = this.#context;
    const reload = { pid: this.#current.session?.pid, previousPid };
    telemetry.metrics.reloaded();
    telemetry.events.emit("worker_reload", { message: `${name} was reloaded.`, details: reload });
    telemetry.notify("reload", reload);
  }

  #reportReconnect(): void {
    const message = `The connection to ${this.#context.name} is back.`;
    this.#context.telemetry.events.emit("socket_reconnect", { message });
  }
}
