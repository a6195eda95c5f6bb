// What follows when a link breaks or ends: calls in flight are told, and the worker is brought back or given up.
// Next: recover.ts, the attempts; connection.ts, one of them.

import { type ExitDetails, SpawnError } from "@multifrost/protocol";
import { Backoff, RestartBudget } from "@multifrost/reliability";
import type { Connection } from "./connection.js";
import type { Instruments } from "./instruments.js";
import type { LifeConfig } from "./life-config.js";
import type { LifeState } from "./life-state.js";
import type { Loss } from "./link.js";
import { goneWorker, lostCall } from "./loss-errors.js";
import { recover } from "./recover.js";

/** Where the doubling of `restartBackoff` ends, in milliseconds, unless it began above. */
const MOST_BACKOFF_MS = 5_000;

/** What a supervisor needs from around it. */
export interface SupervisorParts {
  readonly config: LifeConfig;
  readonly instruments: Instruments;
  readonly state: LifeState;
  readonly connection: Connection;
  readonly signal: AbortSignal;
  /** Whether the link is being let go of on purpose, by `stop()` or `restart()`: nothing follows its end then. */
  leaving(): boolean;
}

/** Decides what follows. */
export interface Supervisor {
  /** Why the worker is gone, in the state `exited`. */
  readonly loss: Loss | undefined;
  interrupted(loss: Loss): void;
  resumed(): void;
  ended(loss: Loss): void;
  /** The worker is back after a restart or reconnect: tells of it. `exit`: how the process before it ended. */
  cameBack(exit: ExitDetails | undefined): void;
  /** It could not be brought back, and will not come back by itself. */
  giveUp(error: unknown): void;
}

interface Supervision extends SupervisorParts {
  readonly budget: RestartBudget;
  readonly backoff: Backoff;
  loss: Loss | undefined;
}

/** Makes the supervisor of one life. */
export function createSupervisor(parts: SupervisorParts): Supervisor {
  const { options, name } = parts.config;
  const { maxRestartAttempts: maxAttempts, restartWindowMs: windowMs, restartBackoffMs: baseMs } = options;
  const budget = new RestartBudget({ clock: parts.instruments.clock, maxAttempts, windowMs });
  const backoff = new Backoff({ baseMs, maxMs: Math.max(baseMs, MOST_BACKOFF_MS) });
  const all: Supervision = { ...parts, budget, backoff, loss: undefined };
  return {
    get loss() {
      return all.loss;
    },
    interrupted: (loss) => interrupted(all, loss),
    resumed: () => resumed(all),
    ended: (loss) => ended(all, loss),
    cameBack: (exit) => cameBack(all, exit),
    giveUp: (error) => giveUp(all, lossOf(error) ?? { kind: "connection", endpoint: name }),
  };
}

function interrupted(all: Supervision, loss: Loss): void {
  if (!all.leaving()) {
    noteBreak(all, loss);
    all.state.set("reconnecting");
  }
  countLoss(all, loss);
}

function resumed({ config, instruments, state, connection, leaving }: Supervision): void {
  if (!leaving()) {
    instruments.events.emit("socket_reconnect", { message: `The connection to ${config.name} is back.` });
    state.set("running");
    connection.sendWaiting();
  }
}

function ended(all: Supervision, loss: Loss): void {
  const { config, instruments, state, connection, backoff } = all;
  if (instruments.clock.now() - connection.liveSince >= config.options.restartWindowMs) {
    backoff.reset();
  }
  void connection.drop();
  if (all.leaving()) {
    countLoss(all, loss);
    return;
  }
  noteBreak(all, loss);
  if (config.kind === "service" || (config.kind === "spawned" && config.options.autoRestart)) {
    state.set(config.kind === "service" ? "reconnecting" : "restarting");
    countLoss(all, loss);
    // It rejects only where stop() was called meanwhile, which sees to the rest.
    comeBack(all, loss).catch(() => {});
  } else {
    countLoss(all, loss);
    giveUp(all, loss);
  }
}

/** A lost connection is worth a warning; an exit is told by the process. */
function noteBreak({ config, instruments }: Supervision, loss: Loss): void {
  if (loss.kind === "connection") {
    const message = `The connection to ${config.name} broke.`;
    instruments.events.emit("socket_disconnect", {
      message,
      details: { endpoint: loss.endpoint },
      ...(loss.cause && { err: loss.cause }),
    });
  }
}

/** One failure of the worker, however many calls were waiting for it. */
function countLoss({ config, instruments }: Supervision, loss: Loss): void {
  const { pending, breaker } = instruments;
  pending.rejectAll(
    (call) => lostCall(call.name, config.name, loss),
    (call) => call.sent,
  );
  const admission = breaker.admit();
  if (admission.admitted) {
    breaker.failure(admission);
  }
}

async function comeBack(all: Supervision, why: Loss): Promise<void> {
  const { config, instruments, connection, backoff, budget, signal } = all;
  const { name, kind } = config;
  let latest = why;
  const back = await recover({
    attempt: () => connection.open(),
    backoff,
    budget: kind === "spawned" ? budget : undefined,
    signal,
    failed(error) {
      latest = lossOf(error) ?? latest;
      const event = kind === "spawned" ? "worker_restart" : "socket_reconnect";
      instruments.events.emit(event, { message: `${name} did not come back yet.`, err: error }, "warn");
    },
  });
  if (back) {
    cameBack(all, why.kind === "exit" ? why.exit : undefined);
  } else {
    instruments.breaker.trip("restarts used up");
    giveUp(all, latest);
  }
}

function cameBack({ config, instruments, connection, budget }: Supervision, exit: ExitDetails | undefined): void {
  const { name, kind, notify } = config;
  budget.healthy();
  if (kind !== "spawned") {
    instruments.events.emit("socket_reconnect", { message: `The connection to ${name} is back.` });
    return;
  }
  const pid = connection.live?.link.worker?.pid;
  instruments.metrics.restarted();
  instruments.events.emit("worker_restart", { message: `${name} was restarted.`, details: { pid } });
  notify("restart", { exit, pid });
}

function giveUp(all: Supervision, loss: Loss): void {
  const { config, instruments, state } = all;
  all.loss = loss;
  state.set("exited");
  instruments.pending.rejectAll((call) => goneWorker(call.name, config.name, loss));
}

function lossOf(error: unknown): Loss | undefined {
  return error instanceof SpawnError ? { kind: "exit", exit: error } : undefined;
}
