// The state of a parent and the session in use. The one place that answers "can a call go out?".

import { type Feature, NO_FEATURES } from "@multifrost/protocol";
import { type Loss, notRunning, workerGone } from "../errors.js";
import type { ParentState } from "../events.js";
import type { ActiveSession } from "../session/types.js";
import type { Telemetry } from "./telemetry.js";

/** One session at a time, or none. */
export class CurrentSession {
  readonly #name: string;
  readonly #telemetry: Telemetry;
  #state: ParentState = "idle";
  #session: ActiveSession | undefined;
  #features: ReadonlySet<Feature> = NO_FEATURES;
  #openedAt = 0;
  /** Why the worker is gone, in the states `exited` and `failed`. */
  #loss: Loss | undefined;
  #isLeaving = false;
  /** Whether the worker of this session refuses calls because it is stopping. */
  #refusesCalls = false;

  constructor(name: string, telemetry: Telemetry) {
    this.#name = name;
    this.#telemetry = telemetry;
  }

  get state(): ParentState {
    return this.#state;
  }

  /** Whether `stop()` was called. */
  get isEnding(): boolean {
    return this.#state === "stopping" || this.#state === "stopped";
  }

  /** Whether `stop()` or `restart()` closes the session: its end is expected, and no recovery follows. */
  get isLeaving(): boolean {
    return this.#isLeaving || this.isEnding;
  }

  get session(): ActiveSession | undefined {
    return this.#session;
  }

  /** What the worker of this session, or of the latest one, understands. */
  get features(): ReadonlySet<Feature> {
    return this.#session?.features ?? this.#features;
  }

  /** How long the latest session has been in use, in milliseconds. */
  get ageMs(): number {
    return this.#telemetry.clock.now() - this.#openedAt;
  }

  /** Whether calls wait for the worker to come back. */
  get callsWait(): boolean {
    return (this.#refusesCalls && this.isUp) || this.#state === "restarting" || this.#state === "reconnecting";
  }

  /** Whether the worker can be reached: it runs, or is stalled. */
  get isUp(): boolean {
    return this.#state === "running" || this.#state === "stalled";
  }

  /** Why a call made now is refused; `undefined` when it is sent or waits. */
  refusalReason(functionName: string): Error | undefined {
    if (this.#state === "running" || this.isUp || this.callsWait) {
      return undefined;
    }
    return (this.#state === "exited" || this.#state === "failed") && this.#loss !== undefined
      ? workerGone(functionName, this.#name, this.#loss)
      : notRunning(functionName, this.#name, this.#state);
  }

  /** Goes on to another state and emits it. After `stop()` only `stopped` follows. */
  enter(next: ParentState): void {
    const before = this.#state;
    if (next !== before && (!this.isEnding || next === "stopped")) {
      this.#state = next;
      this.#telemetry.notify("state", next, before);
    }
  }

  /** Calls go out on this session from now on. */
  use(session: ActiveSession): void {
    this.#session = session;
    this.#openedAt = this.#telemetry.clock.now();
    this.#isLeaving = false;
    this.#refusesCalls = false;
    this.enter("running");
  }

  /** Heartbeats stay unanswered, or are answered again. Says nothing while the connection is being restored or closed. */
  setStalled(isStalled: boolean): void {
    if (this.isUp && !this.#isLeaving) {
      this.enter(isStalled ? "stalled" : "running");
    }
  }

  /** The worker of this session is stopping: further calls wait for the next session. */
  refusesCalls(): void {
    this.#refusesCalls = true;
  }

  /** `stop()` or `restart()` begins to close the session. */
  leave(next: ParentState): void {
    this.#isLeaving = true;
    this.enter(next);
  }

  /** Takes the session out of use and returns it. */
  release(): ActiveSession | undefined {
    const session = this.#session;
    this.#features = this.features;
    this.#session = undefined;
    return session;
  }

  /** The worker is gone and does not come back by itself. */
  giveUp(loss: Loss): void {
    this.#loss = loss;
    this.enter(loss.kind === "exit" && loss.exits !== undefined ? "failed" : "exited");
  }
}
