// What the owner of a parent may ask of its life: start, restart, stop. Each is one way through the parts that
// worker-life.ts has put together.

import { MultifrostError, NotRunningError } from "@multifrost/protocol";
import type { Connection } from "./connection.js";
import type { Instruments } from "./instruments.js";
import type { LifeConfig } from "./life-config.js";
import type { LifeState } from "./life-state.js";
import { cutOff, notRunning } from "./loss-errors.js";
import { drain } from "./shutdown.js";
import type { ParentState } from "./state.js";
import type { Supervisor } from "./supervise.js";

/** All parts of a life. */
export interface Life {
  readonly config: LifeConfig;
  readonly instruments: Instruments;
  readonly state: LifeState;
  readonly connection: Connection;
  readonly supervisor: Supervisor;
  /** Ends whatever is being opened, for `stop()`. */
  readonly opening: AbortController;
  /** Whether `restart()` is under way. */
  replacing: boolean;
  stopping: Promise<void> | undefined;
}

/** Opens a link; the state is `idle` again if that fails. */
export async function start({ config, instruments, state, connection, opening }: Life): Promise<void> {
  const { name } = config;
  if (state.now !== "idle") {
    throw startedBefore(name, state.now);
  }
  state.set("starting");
  try {
    await connection.open();
  } catch (error) {
    state.set("idle");
    throw state.ending ? opening.signal.reason : error;
  }
  const pid = connection.live?.link.worker?.pid;
  instruments.events.emit("worker_start", { message: `${name} is running.`, details: { pid } });
}

/** Lets go of the link in order and opens another. */
export async function restart(life: Life): Promise<void> {
  const { config, instruments, state, connection, supervisor, opening } = life;
  const { name, kind, options } = config;
  if (state.now !== "running" && state.now !== "exited") {
    const message = `restart() was called, but ${name} is ${state.now}. It restarts a worker that is running or has exited.`;
    throw new NotRunningError(message, { state: state.now });
  }
  life.replacing = true;
  state.set(kind === "spawned" ? "restarting" : "reconnecting");
  try {
    await drain(instruments.pending, options.stopTimeoutMs);
    await connection.drop();
    cutOffSent(life, "restarting");
    opening.signal.throwIfAborted();
    await connection.open();
  } catch (error) {
    if (state.ending) {
      throw opening.signal.reason;
    }
    supervisor.giveUp(error);
    throw error;
  } finally {
    life.replacing = false;
  }
  supervisor.cameBack(undefined);
}

/** Ends all of it: no new calls, those in flight may finish, then the link goes. Never rejects. */
export async function stop(life: Life): Promise<void> {
  const { config, instruments, state, connection, opening } = life;
  const { name, options } = config;
  const { pending } = instruments;
  state.set("stopping");
  opening.abort(new NotRunningError(`${name} was stopped while it was starting.`, { state: "stopping" }));
  pending.rejectAll(
    (call) => notRunning(call.name, name, "stopping"),
    (call) => !call.sent,
  );
  await connection.opened();
  await drain(pending, options.stopTimeoutMs);
  await connection.drop();
  cutOffSent(life, "stopped");
  state.set("stopped");
  instruments.events.emit("worker_stop", { message: `${name} is stopped.` });
}

function cutOffSent({ config, instruments }: Life, state: "stopped" | "restarting"): void {
  instruments.pending.rejectAll(
    (call) => cutOff(call.name, config.name, state, config.options.stopTimeoutMs),
    (call) => call.sent,
  );
}

function startedBefore(name: string, state: ParentState): MultifrostError {
  const next =
    {
      exited: "restart() starts it again.",
      stopping: "Make a new worker to go on.",
      stopped: "Make a new worker to go on.",
    }[state as string] ?? "It is enough to start it once.";
  return new MultifrostError("ALREADY_STARTED", `start() was called, but ${name} is ${state}. ${next}`);
}
