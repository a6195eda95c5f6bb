// How often a worker may be brought back, how long to wait before it is, and how it ended so far.

import type { ExitDetails } from "@multifrost/protocol/errors";
import { Backoff, type Clock, RestartBudget } from "@multifrost/reliability";
import type { ResolvedOptions } from "../options.js";

/** Upper bound of the doubling `restartBackoff`, in milliseconds, unless it starts above. */
const MAX_BACKOFF_MS = 5_000;

/** How many ends of a worker are kept. */
const KEPT_EXITS = 10;

/** The restarts of one parent. */
export class Restarts {
  readonly #budget: RestartBudget;
  readonly #backoff: Backoff;
  #exits: ExitDetails[] = [];

  constructor(clock: Clock, options: ResolvedOptions) {
    const { maxRestartAttempts: maxAttempts, restartWindowMs: windowMs, restartBackoffMs: baseMs } = options;
    this.#budget = new RestartBudget({ clock, maxAttempts, windowMs });
    this.#backoff = new Backoff({ baseMs, maxMs: Math.max(baseMs, MAX_BACKOFF_MS) });
  }

  /** Its latest ends and failed starts, the latest last. */
  get exits(): readonly ExitDetails[] {
    return this.#exits;
  }

  /** The worker ended, or could not be started. */
  ended({ exitCode, signal, stderrTail, stdoutTail, command, uptimeMs, callsInFlight, hint }: ExitDetails): void {
    const exit = { exitCode, signal, stderrTail, stdoutTail, command, uptimeMs, callsInFlight, hint };
    this.#exits = [...this.#exits, exit].slice(-KEPT_EXITS);
  }

  /** The worker was well for `restartWindow`, or is a service that answered: the next delay is short again. */
  wasWell(): void {
    this.#backoff.reset();
    this.#exits = [];
  }

  /** The worker runs again. */
  cameBack(): void {
    this.#budget.healthy();
  }

  /** Takes one restart; `false` when none is left. */
  tryTake(): boolean {
    return this.#budget.tryTake();
  }

  /** How long to wait before the next attempt, in milliseconds. */
  nextDelayMs(): number {
    return this.#backoff.next();
  }

  /** A restart by hand gives the worker all its restarts back. */
  refill(): void {
    this.#budget.refill();
    this.wasWell();
  }
}
