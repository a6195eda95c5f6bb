// Opens sessions and decides what follows when one breaks or ends: calls in flight reject, and the worker is brought
// back or given up.

import { type ExitDetails, SpawnError } from "@multifrost/protocol/errors";
import { pause } from "@multifrost/protocol/internal";
import { Backoff, RestartBudget } from "@multifrost/reliability";
import type { Calls } from "../calls/calls.js";
import { callLost, type Loss, workerGone } from "../errors.js";
import { Session } from "../session/session.js";
import type { ActiveSession, ParentContext, SessionEvents } from "../session/types.js";
import type { CurrentSession } from "./current-session.js";
import { watchForgottenStop } from "./forgotten-stop.js";

/** Upper bound of the doubling `restartBackoff`, in milliseconds, unless it starts above. */
const MAX_BACKOFF_MS = 5_000;

/** Keeps one parent supplied with a session. */
export class Supervisor implements SessionEvents {
  readonly #context: ParentContext;
  readonly #current: CurrentSession;
  readonly #calls: Calls;
  readonly #onReady: () => void;
  readonly #signal: AbortSignal;
  readonly #budget: RestartBudget;
  readonly #backoff: Backoff;
  #forgottenStop: { stop(): void } | undefined;
  /** The latest attempt to open a session. Never rejects. */
  #opening: Promise<void> = Promise.resolve();
  /** Every session that is being closed. Never rejects. */
  #closing: Promise<unknown> = Promise.resolve();

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
    const { maxRestartAttempts: maxAttempts, restartWindowMs: windowMs, restartBackoffMs: baseMs } = context.options;
    this.#budget = new RestartBudget({ clock: context.telemetry.clock, maxAttempts, windowMs });
    this.#backoff = new Backoff({ baseMs, maxMs: Math.max(baseMs, MAX_BACKOFF_MS) });
  }

  /** Opens a session; then the state is `running` and calls that waited are sent. Rejects as `Session.open` does. */
  async open(): Promise<void> {
    const opened = Session.open(this.#context, this.#calls, this, this.#signal);
    this.#opening = opened.catch(() => {});
    await opened;
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
    this.#forgottenStop = watchForgottenStop(this.#calls, session.isListedByNode, name, telemetry.events);
    telemetry.closeCircuits("worker is back");
    this.#current.use(session);
    this.#ready();
  }

  interrupted(loss: Loss): void {
    if (!this.#current.isLeaving) {
      this.#reportBreak(loss);
      this.#current.enter("reconnecting");
    }
    this.#countLoss(loss);
  }

  resumed(): void {
    if (!this.#current.isLeaving) {
      this.#reportReconnect();
      this.#current.enter("running");
      this.#ready();
    }
  }

  stalled(isStalled: boolean): void {
    this.#current.setStalled(isStalled);
  }

  ended(loss: Loss): void {
    const { mode, options } = this.#context;
    // A process that starts, answers and crashes is slowed down. Looking for a service costs little.
    const isProvenService = mode.kind === "service" && this.#current.session?.isProven === true;
    if (isProvenService || this.#current.ageMs >= options.restartWindowMs) {
      this.#backoff.reset();
    }
    void this.close();
    if (this.#current.isLeaving) {
      this.#countLoss(loss);
      return;
    }
    this.#reportBreak(loss);
    const recovers = mode.kind === "service" || (mode.kind === "spawned" && options.autoRestart);
    if (recovers) {
      this.#current.enter(mode.kind === "service" ? "reconnecting" : "restarting");
    }
    this.#countLoss(loss);
    if (recovers) {
      // Rejects only when stop() was called meanwhile, which does the rest.
      this.#recover(loss).catch(() => {});
    } else {
      this.#giveUp(loss);
    }
  }

  /** Reports that the worker is back after a restart or reconnect. `exit`: how the process before it ended. */
  cameBack(exit: ExitDetails | undefined): void {
    const { name, mode, telemetry } = this.#context;
    this.#budget.healthy();
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
    this.#budget.refill();
    this.#backoff.reset();
  }

  /** The worker could not be brought back by hand. */
  restartFailed(error: unknown): void {
    this.#giveUp(lossOf(error) ?? { kind: "connection", endpoint: this.#context.name });
  }

  /** Opens sessions with backoff until one works, or until the restarts of a process are used up. */
  async #recover(loss: Loss): Promise<void> {
    const { name, mode, telemetry } = this.#context;
    const isProcess = mode.kind === "spawned";
    let latest = loss;
    while (!isProcess || this.#budget.tryTake()) {
      await pause(this.#backoff.next(), this.#signal);
      const error = await this.open().catch((reason: Error) => reason);
      if (error === undefined) {
        this.cameBack(loss.kind === "exit" ? loss.exit : undefined);
        return;
      }
      this.#signal.throwIfAborted();
      latest = lossOf(error) ?? latest;
      const event = isProcess ? "worker_restart" : "socket_reconnect";
      telemetry.events.emit(event, { message: `${name} did not come back yet.`, err: error }, "warn");
    }
    telemetry.breaker.trip("restarts used up");
    this.#giveUp(latest);
  }

  #giveUp(loss: Loss): void {
    this.#current.giveUp(loss);
    this.#calls.rejectAll((call) => workerGone(call.name, this.#context.name, loss));
  }

  #ready(): void {
    this.#calls.sendWaiting();
    this.#onReady();
  }

  /** One failure of the worker, however many calls were waiting for it. */
  #countLoss(loss: Loss): void {
    const { name, telemetry } = this.#context;
    this.#calls.rejectSent((call) => callLost(call.name, name, loss));
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

  #reportReconnect(): void {
    const message = `The connection to ${this.#context.name} is back.`;
    this.#context.telemetry.events.emit("socket_reconnect", { message });
  }
}

function lossOf(error: unknown): Loss | undefined {
  return error instanceof SpawnError ? { kind: "exit", exit: error } : undefined;
}
