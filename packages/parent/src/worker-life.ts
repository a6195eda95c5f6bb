// A parent from start to stop. The link (process and connection), the calls and their health are separate things, and
// are put together here; supervise.ts says what follows the end of a link. The child's twin: child/src/child-life.ts.

import {
  type Codec,
  type ExitDetails,
  type Message,
  MultifrostError,
  NotRunningError,
  SpawnError,
} from "@multifrost/protocol";
import {
  type CircuitBreaker,
  createBackoff,
  createRestartBudget,
  type HeartbeatMonitor,
  type Metrics,
} from "@multifrost/reliability";
import type { CallMethod } from "./call/call-proxy.js";
import { createCaller, notRunning, sendCall } from "./call/outgoing-call.js";
import type { EmitEvent } from "./events.js";
import { createHealthCheck } from "./health/health-check.js";
import { watchHeld } from "./health/held-hint.js";
import { createInbound } from "./inbound.js";
import { createInstruments } from "./instruments.js";
import type { Link, LinkEvents, Loss, OpenLink } from "./link.js";
import { goneWorker, lostCall } from "./loss-errors.js";
import type { ParentOptions, ResolvedOptions } from "./options.js";
import { createWorkerOutput } from "./output/worker-output.js";
import { proveReachable } from "./prove-reachable.js";
import { drain, endLink } from "./shutdown.js";
import type { ParentState } from "./state.js";
import { recover } from "./supervise.js";

/** What a life is made of. */
export interface LifeConfig {
  readonly name: string;
  readonly serviceId: string | undefined;
  readonly codec: Codec;
  readonly open: OpenLink;
  /** What follows an end: a process is restarted if the user wants it, a service looked up again, the rest is over. */
  readonly kind: "spawned" | "service" | "composed";
  readonly given: ParentOptions;
  readonly options: ResolvedOptions;
  readonly notify: EmitEvent;
}

/** A parent's life, and what its owner may ask of it. */
export interface WorkerLife {
  readonly call: CallMethod;
  readonly state: ParentState;
  readonly link: Link | undefined;
  readonly health: HeartbeatMonitor | undefined;
  readonly breaker: CircuitBreaker;
  readonly metrics: Metrics;
  start(): Promise<void>;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

/** Makes a life that has not begun. */
export function createWorkerLife(config: LifeConfig): WorkerLife {
  const { name, codec, kind, options, notify } = config;
  const { clock, events, metrics, breaker, pending, observeBegin } = createInstruments(config);
  const budget = createRestartBudget({
    clock,
    maxAttempts: options.maxRestartAttempts,
    windowMs: options.restartWindowMs,
  });
  const backoff = createBackoff({ baseMs: options.restartBackoffMs });
  const opening = new AbortController();

  let state: ParentState = "idle";
  let link: Link | undefined;
  let health: HeartbeatMonitor | undefined;
  let held: { stop(): void } | undefined;
  /** Why the last link ended. */
  let loss: Loss | undefined;
  let runningSince = 0;
  let connecting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  const setState = (next: ParentState): void => {
    const before = state;
    if (before !== next) {
      state = next;
      notify("state", next, before);
    }
  };
  const isEnding = (): boolean => state === "stopping" || state === "stopped";

  const printOrEmit = createWorkerOutput(name, (stream, line) => notify(stream, line));
  const inbound = createInbound({
    codec,
    workerName: name,
    pending,
    heartbeatAnswered: (id) => health?.answered(id),
    output(stream, line) {
      if (stream === "stderr") {
        link?.worker?.noteStderr(line);
      }
      printOrEmit(stream, line);
    },
    inspect: (message) => notify("message", message),
    dropped(reason) {
      metrics.messageDropped();
      events.emit("message_dropped", { message: reason.message, details: { reason: reason.code } });
    },
    unmatched({ type, id }: Message) {
      metrics.messageDropped();
      events.emit("message_dropped", { message: `A late ${type} message.`, requestId: id }, "debug");
    },
  });

  const call = createCaller({
    workerName: name,
    codec,
    clock,
    breaker,
    pending,
    maxPending: options.maxPending,
    defaultTimeoutMs: options.defaultTimeoutMs,
    startTimeoutMs: options.startTimeoutMs,
    namespace: config.given.namespace,
    clientName: config.given.clientName,
    state: () => state,
    absence(functionName) {
      if (state === "running" || state === "restarting" || state === "reconnecting") {
        return undefined;
      }
      return state === "exited" && loss !== undefined
        ? goneWorker(functionName, name, loss)
        : notRunning(functionName, name, state);
    },
    began: observeBegin,
    send: ({ bytes }) => link?.channel.send(bytes),
  });

  /** Opens a link and proves that the worker answers; then calls can go out on it. */
  const connect = async (): Promise<void> => {
    const open = openProven();
    connecting = open.then(
      () => {},
      () => {},
    );
    await open;
    runningSince = clock.now();
    budget.healthy();
    held = watchHeld(pending, name, events);
    setState("running");
    for (const waiting of pending.unsent()) {
      sendCall(waiting, { pending, send: ({ bytes }) => link?.channel.send(bytes) });
    }
  };

  const openProven = async (): Promise<void> => {
    let proven = false;
    let tellEnded: (loss: Loss) => void = () => {};
    const endedEarly = new Promise<Loss>((resolve) => {
      tellEnded = resolve;
    });
    let opened: Link | undefined;
    const isCurrent = (): boolean => proven && opened === link;
    const linkEvents: LinkEvents = {
      message: inbound,
      output: printOrEmit,
      dropped(reason) {
        metrics.messageDropped();
        events.emit("message_dropped", { message: `Something else than a message came: ${reason}.` });
      },
      interrupted: (why) => isCurrent() && interrupted(why),
      resumed: () => isCurrent() && resumed(),
      ended: (why) => (proven ? isCurrent() && ended(why) : tellEnded(why)),
    };
    opened = await config.open(linkEvents, opening.signal);
    events.emit("socket_connect", { message: `Connected to ${name}.`, details: { endpoint: opened.channel.endpoint } });
    link = opened;
    health = monitorOf(opened);
    try {
      if (options.heartbeatIntervalMs > 0) {
        const { startTimeoutMs: timeoutMs } = options;
        await proveReachable({ link, monitor: health, ended: endedEarly, timeoutMs, signal: opening.signal });
      }
      opening.signal.throwIfAborted();
    } catch (error) {
      await dropLink();
      throw error;
    }
    proven = true;
    health.start();
  };

  const monitorOf = ({ channel, worker }: Link): HeartbeatMonitor =>
    createHealthCheck({
      clock,
      codec,
      options,
      metrics,
      events,
      send: (bytes) => channel.send(bytes),
      onBeat: (beat) => notify("heartbeat", beat),
      onLost() {
        breaker.trip("heartbeats lost");
        if (options.autoRestart) {
          worker?.kill("SIGKILL");
        }
      },
      onRecovered: () => breaker.close("heartbeats answered"),
    });

  /** Lets go of the link: what comes from it from now on concerns nobody. */
  const dropLink = async (): Promise<ExitDetails | undefined> => {
    const old = link;
    link = undefined;
    health?.stop();
    health = undefined;
    held?.stop();
    const exit = old && (await endLink(old, codec));
    if (exit !== undefined) {
      noteExit(exit);
    }
    return exit;
  };

  const noteExit = (exit: ExitDetails): void => {
    events.emit("process_exit", { message: `The process of ${name} ended.`, details: { ...exit } });
    notify("exit", exit);
  };

  /** One failure for the worker, however many calls were waiting for it. */
  const countLoss = (why: Loss): void => {
    pending.rejectAll(
      (lost) => lostCall(lost.name, name, why),
      (waiting) => waiting.sent,
    );
    const admission = breaker.admit();
    if (admission.admitted) {
      breaker.failure(admission);
    }
  };

  const interrupted = (why: Loss): void => {
    events.emit("socket_disconnect", { message: `The connection to ${name} broke.` });
    setState("reconnecting");
    countLoss(why);
  };

  const resumed = (): void => {
    events.emit("socket_reconnect", { message: `The connection to ${name} is back.` });
    setState("running");
    for (const waiting of pending.unsent()) {
      sendCall(waiting, { pending, send: ({ bytes }) => link?.channel.send(bytes) });
    }
  };

  const ended = (why: Loss): void => {
    loss = why;
    void dropLink();
    if (clock.now() - runningSince >= options.restartWindowMs) {
      backoff.reset();
    }
    const goesOn = kind === "service" || (kind === "spawned" && options.autoRestart);
    if (isEnding()) {
      return;
    }
    setState(goesOn ? (kind === "service" ? "reconnecting" : "restarting") : "exited");
    countLoss(why);
    if (goesOn) {
      void comeBack(why);
    } else {
      giveUp(why);
    }
  };

  const giveUp = (why: Loss): void => {
    loss = why;
    setState("exited");
    pending.rejectAll((waiting) => goneWorker(waiting.name, name, why));
  };

  const comeBack = async (why: Loss): Promise<void> => {
    let latest = why;
    try {
      const back = await recover({
        attempt: connect,
        backoff,
        budget: kind === "spawned" ? budget : undefined,
        signal: opening.signal,
        failed(error) {
          latest = error instanceof SpawnError ? { kind: "exit", exit: error } : latest;
          events.emit("worker_restart", { message: `${name} did not come back yet.`, err: error });
        },
      });
      if (back) {
        cameBack(why);
      } else {
        breaker.trip("restarts used up");
        giveUp(latest);
      }
    } catch {
      // stop() was called meanwhile, and sees to the rest.
    }
  };

  const cameBack = (why: Loss | undefined): void => {
    breaker.close("worker is back");
    if (kind === "spawned") {
      metrics.restarted();
      events.emit("worker_restart", { message: `${name} was restarted.`, details: { pid: link?.worker?.pid } });
      notify("restart", { exit: why?.kind === "exit" ? why.exit : undefined, pid: link?.worker?.pid });
    } else {
      events.emit("socket_reconnect", { message: `The connection to ${name} is back.` });
    }
  };

  const start = async (): Promise<void> => {
    if (state !== "idle") {
      const next = state === "stopped" ? "Make a new worker to go on." : "It is enough to start it once.";
      throw new MultifrostError("ALREADY_STARTED", `start() was called, but ${name} is ${state}. ${next}`);
    }
    setState("starting");
    try {
      await connect();
    } catch (error) {
      if (!isEnding()) {
        setState("idle");
      }
      throw error;
    }
    events.emit("worker_start", { message: `${name} is running.`, details: { pid: link?.worker?.pid } });
  };

  const restart = async (): Promise<void> => {
    if (state !== "running" && state !== "exited") {
      throw notRunning("restart", name, state);
    }
    setState(kind === "spawned" ? "restarting" : "reconnecting");
    await drain(pending, options.stopTimeoutMs);
    await dropLink();
    pending.rejectAll(
      (lost) => notRunning(lost.name, name, "restarting"),
      (waiting) => waiting.sent,
    );
    opening.signal.throwIfAborted();
    try {
      await connect();
    } catch (error) {
      if (!isEnding()) {
        giveUp(error instanceof SpawnError ? { kind: "exit", exit: error } : { kind: "connection", endpoint: name });
      }
      throw error;
    }
    cameBack(undefined);
  };

  const stop = async (): Promise<void> => {
    const wasOpen = state !== "idle" && state !== "exited";
    setState("stopping");
    opening.abort(new NotRunningError(`${name} was stopped while it was starting.`, { state: "stopping" }));
    pending.rejectAll(
      (waiting) => notRunning(waiting.name, name, "stopping"),
      (waiting) => !waiting.sent,
    );
    if (wasOpen) {
      await connecting;
      await drain(pending, options.stopTimeoutMs);
      await dropLink();
    }
    pending.rejectAll((waiting) => notRunning(waiting.name, name, "stopped"));
    setState("stopped");
    events.emit("worker_stop", { message: `${name} is stopped.` });
  };

  return {
    call,
    breaker,
    metrics,
    get state() {
      return state;
    },
    get link() {
      return link;
    },
    get health() {
      return health;
    },
    start,
    restart,
    async stop() {
      stopping ??= stop();
      await stopping;
    },
  };
}
