// A parent from start to stop: put together here, with what its owner may ask of it.

import type { Codec } from "@multifrost/protocol";
import { NotRunningError } from "@multifrost/protocol/errors";
import { withLimit } from "@multifrost/protocol/internal";
import { Calls } from "../calls/calls.js";
import { InterfaceCheck } from "../calls/introspection.js";
import { cutOff, notRunning, startedBefore } from "../errors.js";
import type { ParentEmitter } from "../events.js";
import type { ResolvedOptions } from "../options.js";
import type { ConnectMode, ParentContext } from "../session/types.js";
import { CurrentSession } from "./current-session.js";
import { Supervisor } from "./supervisor.js";
import { Telemetry } from "./telemetry.js";

/** Start, restart and stop of one parent. */
export class Lifecycle {
  readonly current: CurrentSession;
  readonly calls: Calls;
  readonly telemetry: Telemetry;
  readonly #context: ParentContext;
  readonly #supervisor: Supervisor;
  /** Aborts whatever is being opened, for `stop()`. */
  readonly #opening = new AbortController();
  #stopping: Promise<void> | undefined;
  /** The latest reload. Never rejects. */
  #reloading: Promise<void> = Promise.resolve();
  /** The reload that waits for the one before. */
  #nextReload: Promise<void> | undefined;

  constructor(name: string, mode: ConnectMode, codec: Codec, options: ResolvedOptions, emitter: ParentEmitter) {
    this.telemetry = new Telemetry(name, mode.serviceId, options, emitter);
    this.#context = { name, mode, codec, options, telemetry: this.telemetry };
    this.current = new CurrentSession(name, this.telemetry);
    this.calls = new Calls(this.#context, this.current);
    const { signal } = this.#opening;
    const check = new InterfaceCheck(this.#context, this.calls, signal);
    this.#supervisor = new Supervisor(this.#context, this.current, this.calls, () => check.begin(), signal);
  }

  /** Opens a session; the state is `idle` again if that fails. */
  async start(): Promise<void> {
    const { name } = this.#context;
    if (this.current.state !== "idle") {
      throw startedBefore(name, this.current.state);
    }
    this.current.enter("starting");
    try {
      await this.#supervisor.open();
    } catch (error) {
      this.current.enter("idle");
      throw this.current.isEnding ? this.#opening.signal.reason : error;
    }
    const details = { pid: this.current.session?.pid };
    this.telemetry.events.emit("worker_start", { message: `${name} is running.`, details });
  }

  /** Closes the session in order and opens another. */
  async restart(): Promise<void> {
    const { name, mode } = this.#context;
    const { isUp, state } = this.current;
    if (!isUp && state !== "exited" && state !== "failed") {
      const message = `restart() was called, but ${name} is ${state}. It restarts a worker that is running or has exited.`;
      throw new NotRunningError(message, { state });
    }
    this.current.leave(mode.kind === "spawned" ? "restarting" : "reconnecting");
    this.#supervisor.refill();
    this.#supervisor.cancelReplacing(
      new NotRunningError(`${name} was restarted while it was reloaded.`, { state: this.current.state }),
    );
    try {
      await this.#supervisor.settled();
      await this.#drainAndClose("restarted");
      this.#opening.signal.throwIfAborted();
      await this.#supervisor.open();
    } catch (error) {
      if (this.current.isEnding) {
        throw this.#opening.signal.reason;
      }
      this.#supervisor.restartFailed(error);
      throw error;
    }
    this.#supervisor.cameBack(undefined);
  }

  /** Replaces the session by another, one reload after the other. Those that come while one waits share it. */
  async reload(): Promise<void> {
    this.#nextReload ??= this.#reloading.then(() => {
      this.#nextReload = undefined;
      return this.#reload();
    });
    const reload = this.#nextReload;
    this.#reloading = reload.catch(() => {});
    await reload;
  }

  async #reload(): Promise<void> {
    const { name, telemetry } = this.#context;
    const { isUp, isLeaving, state } = this.current;
    if (!isUp || isLeaving) {
      const next = state === "exited" || state === "failed" ? " restart() starts it again." : "";
      throw new NotRunningError(
        `reload() was called, but ${name} is ${state}. It replaces a worker that runs.${next}`,
        { state },
      );
    }
    this.#supervisor.refill();
    try {
      await this.#supervisor.replace();
    } catch (error) {
      if (!this.current.isLeaving) {
        const message = `${name} was not reloaded${this.current.isUp ? ": the worker before goes on" : ""}.`;
        telemetry.events.emit("worker_reload", { message, err: error }, "warn");
      }
      throw this.current.isEnding ? this.#opening.signal.reason : error;
    }
  }

  /** Ends everything: no new calls, calls in flight may finish, then the session closes. Never rejects. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async #stop(): Promise<void> {
    const { name } = this.#context;
    this.current.leave("stopping");
    this.#opening.abort(new NotRunningError(`${name} was stopped while it was starting.`, { state: "stopping" }));
    this.calls.rejectWaiting((call) => notRunning(call.name, name, "stopping"));
    await this.#supervisor.settled();
    await this.#drainAndClose("stopped");
    this.current.enter("stopped");
    this.telemetry.events.emit("worker_stop", { message: `${name} is stopped.` });
  }

  /** Gives calls in flight `stopTimeout` to finish, closes the session, and rejects what is left of them. */
  async #drainAndClose(reason: "stopped" | "restarted"): Promise<void> {
    const { name, options } = this.#context;
    await withLimit(this.calls.allAnswered(), options.stopTimeoutMs, () => {});
    await this.#supervisor.close();
    this.calls.rejectSent((call) => cutOff(call.name, name, reason, options.stopTimeoutMs));
  }
}
