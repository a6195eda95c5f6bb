// A parent from start to stop. The link, the calls and their health are separate things, and are put together here:
// connection.ts has the link, supervise.ts says what follows its end, life-steps.ts what start, restart and stop do.
// The child's twin: child/src/child-life.ts.

import type { InterfaceDescription } from "@multifrost/protocol";
import type { CircuitBreaker, Metrics } from "@multifrost/reliability";
import type { CallOptions } from "./call/call-options.js";
import type { CallMethod } from "./call/call-proxy.js";
import { describeWorker } from "./call/describe-worker.js";
import { type Caller, createCaller } from "./call/outgoing-call.js";
import { createInterfaceCheck } from "./check-interface.js";
import { createConnection } from "./connection.js";
import { createInstruments } from "./instruments.js";
import type { LifeConfig } from "./life-config.js";
import { createLifeState } from "./life-state.js";
import { type Life, restart, start, stop } from "./life-steps.js";
import type { LiveLink } from "./live-link.js";
import { goneWorker, notRunning } from "./loss-errors.js";
import { createWorkerOutput } from "./output/worker-output.js";
import { noteProcessEnd } from "./process-end.js";
import { callsWait, type ParentState } from "./state.js";
import { createSupervisor } from "./supervise.js";

/** A parent's life, and what its owner may ask of it. */
export interface WorkerLife {
  readonly call: CallMethod;
  describe(options: CallOptions): Promise<InterfaceDescription>;
  readonly state: ParentState;
  readonly live: LiveLink | undefined;
  readonly breaker: CircuitBreaker;
  readonly metrics: Metrics;
  start(): Promise<void>;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

/** Makes a life that has not begun. */
export function createWorkerLife(config: LifeConfig): WorkerLife {
  // After the calls that waited, which the same turn sends.
  const life = assemble(config, () => queueMicrotask(checkInterface));
  const { state, connection, instruments, opening } = life;
  const { call, ask } = callerOf(life);
  const describe = (options: CallOptions): Promise<InterfaceDescription> =>
    describeWorker((name) => ask(name, options));
  const checkInterface = createInterfaceCheck({
    ...instruments,
    workerName: config.name,
    expected: config.given.interfaceHash,
    timeoutMs: config.options.startTimeoutMs,
    signal: opening.signal,
    describe,
  });
  return {
    call,
    describe,
    breaker: instruments.breaker,
    metrics: instruments.metrics,
    get state() {
      return state.now;
    },
    get live() {
      return connection.live;
    },
    start: () => start(life),
    restart: () => restart(life),
    async stop() {
      life.stopping ??= stop(life);
      await life.stopping;
    },
  };
}

function assemble(config: LifeConfig, running: () => void): Life {
  const instruments = createInstruments(config);
  const state = createLifeState(config.notify, running);
  const opening = new AbortController();
  const { signal } = opening;
  const connection = createConnection({
    config,
    instruments,
    state,
    signal,
    output: createWorkerOutput(config.name, (stream, line) => config.notify(stream, line)),
    tell: {
      interrupted: (loss) => supervisor.interrupted(loss),
      resumed: () => supervisor.resumed(),
      ended: (loss) => supervisor.ended(loss),
      processEnded: (exit, unexpected) => noteProcessEnd(exit, unexpected, config, instruments),
    },
  });
  const leaving = (): boolean => state.ending || life.replacing;
  const supervisor = createSupervisor({ config, instruments, state, connection, signal, leaving });
  const life = { config, instruments, state, connection, supervisor, opening, replacing: false, stopping: undefined };
  return life;
}

function callerOf({ config, instruments, state, connection, supervisor }: Life): Caller {
  const { name, options, given } = config;
  return createCaller({
    ...instruments,
    workerName: name,
    codec: config.codec,
    maxPending: options.maxPending,
    defaultTimeoutMs: options.defaultTimeoutMs,
    startTimeoutMs: options.startTimeoutMs,
    namespace: given.namespace,
    clientName: given.clientName,
    state: () => state.now,
    absence(functionName) {
      if (state.now === "running" || callsWait(state.now)) {
        return undefined;
      }
      const { loss } = supervisor;
      return state.now === "exited" && loss !== undefined
        ? goneWorker(functionName, name, loss)
        : notRunning(functionName, name, state.now);
    },
    began: instruments.observeBegin,
    send: connection.send,
  });
}
