// What a parent can be told, with the default of each. The child's twin: child/src/options.ts.

import { type MessageLimits, MultifrostError } from "@multifrost/protocol";
import type { ServiceRegistry } from "@multifrost/registry";
import type { FailureRule, Logger } from "@multifrost/reliability";
import type { ClientTransport } from "@multifrost/transport";

/** Options of every parent, however it reaches its worker. */
export interface ParentOptions {
  /** What the worker is called in messages and logs. Default: the script's file name, or the service id. */
  name?: string;
  /** How long a call may take, in milliseconds, unless it says otherwise. Default: none. */
  defaultTimeout?: number;
  /** Restart the process after an unexpected exit, or when heartbeats are lost. Default: `false`. */
  autoRestart?: boolean;
  /** Restarts before giving up; also the failures in a row that open the circuit breaker. Default: 5. */
  maxRestartAttempts?: number;
  /** From one heartbeat to the next, in **seconds**; 0 switches heartbeats off. Default: 5. */
  heartbeatInterval?: number;
  /** How long a heartbeat may stay unanswered, in **seconds**. Default: 3. */
  heartbeatTimeout?: number;
  /** Heartbeats missed in a row that open the circuit breaker. Default: 3. */
  heartbeatMaxMisses?: number;
  /** From open to the first trial call, in **seconds**; doubles each time the trial fails, up to 30. Default: 1. */
  circuitResetTimeout?: number;
  /** The largest first delay before a restart or reconnect, in **seconds**; doubles up to 5. Default: 0.1. */
  restartBackoff?: number;
  /** How long a worker stays healthy until it gets its restarts back, in **seconds**. Default: 30. */
  restartWindow?: number;
  /** How long `stop()` lets calls in flight finish, in milliseconds. Default: 5000. */
  stopTimeout?: number;
  /**
   * How long the worker may take to become reachable, in milliseconds: in `start()`, and for calls without a timeout
   * that wait for a restart or reconnect. Also how long a trial call without a timeout keeps the others out while the
   * circuit is half-open. Default: 30 000; to a service 5000.
   */
  startTimeout?: number;
  /** Calls waiting for an answer; beyond, `OverloadError`. Default: 250 000. */
  maxPending?: number;
  /** Which errors count against the worker in the circuit breaker; asked only about those that do by default. */
  isFailure?: FailureRule;
  /** The namespace of calls that name none. Default: `default`. */
  namespace?: string;
  /** Sent with each call as `client_name`, for the worker's logs. Default: none. */
  clientName?: string;
  /** The app id of the protocol. Default: `comlink_ipc_v3`. */
  app?: string;
  /** Bounds on messages and their parts. */
  limits?: Partial<MessageLimits>;
  /**
   * The hash that came with the worker's types, from `interfaceDeclaration` or `interfaceHash`. Each time the worker has
   * become reachable it is asked for its interface, and if that has another hash the logger is warned with
   * `interface_mismatch`. Nothing else follows. Default: none, and nothing is asked.
   */
  interfaceHash?: string;
  /** Anything shaped like `console` or pino, or `false` for none. Default: warnings and errors to stderr. */
  logger?: Logger | false;
}

/** Options of `ParentWorker.spawn`. */
export interface SpawnOptions extends ParentOptions {
  /** Arguments after the script. Default: none. */
  args?: readonly string[];
  /** The child's working directory, which a relative script path starts from too. Default: this process's. */
  cwd?: string;
  /** Variables added to the child's environment, which is this process's otherwise; `undefined` takes one out. */
  env?: Readonly<Record<string, string | undefined>>;
  /**
   * Run the command line in a shell. The script's path is quoted for it (not on Windows), `executable` and `args` are
   * not. Default: `false`.
   */
  shell?: boolean;
}

/** Options of `ParentWorker.connect`. */
export interface ConnectOptions extends ParentOptions {
  /** How long to look for the service, in milliseconds. Default: 5000. */
  timeout?: number;
  /** Where services are looked up. Default: the file `~/.multifrost/services.json`. */
  registry?: ServiceRegistry;
  /** The address the service listens on. Default: `127.0.0.1`. */
  host?: string;
}

/** Options of `new ParentWorker`: your own transport, and the rest as everywhere. */
export interface ComposedOptions extends ParentOptions {
  /** Your own way to move bytes. See `@multifrost/transport`. */
  transport: ClientTransport;
}

/** Options with the defaults in, and every time in milliseconds. */
export interface ResolvedOptions {
  readonly defaultTimeoutMs: number | undefined;
  readonly autoRestart: boolean;
  readonly maxRestartAttempts: number;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly heartbeatMaxMisses: number;
  readonly circuitResetMs: number;
  readonly restartBackoffMs: number;
  readonly restartWindowMs: number;
  readonly stopTimeoutMs: number;
  readonly startTimeoutMs: number;
  readonly maxPending: number;
}

/** Fills in the defaults. Throws `MultifrostError` `INVALID_OPTION`, naming the option and what it must be. */
export function resolveOptions(options: ParentOptions, defaultStartTimeoutMs = 30_000): ResolvedOptions {
  const { defaultTimeout, interfaceHash } = options;
  if (interfaceHash !== undefined && !/^[0-9a-f]{64}$/.test(interfaceHash)) {
    throw invalid("interfaceHash", "64 hexadecimal digits, as interfaceHash() gives them", interfaceHash);
  }
  return {
    defaultTimeoutMs: defaultTimeout === undefined ? undefined : checkTimeout("defaultTimeout", defaultTimeout),
    autoRestart: options.autoRestart ?? false,
    maxRestartAttempts: atLeast(1, "maxRestartAttempts", options.maxRestartAttempts ?? 5),
    heartbeatIntervalMs: seconds("heartbeatInterval", options.heartbeatInterval ?? 5),
    heartbeatTimeoutMs: aboveZero("heartbeatTimeout", options.heartbeatTimeout ?? 3) * 1000,
    heartbeatMaxMisses: atLeast(1, "heartbeatMaxMisses", options.heartbeatMaxMisses ?? 3),
    circuitResetMs: seconds("circuitResetTimeout", options.circuitResetTimeout ?? 1),
    restartBackoffMs: seconds("restartBackoff", options.restartBackoff ?? 0.1),
    restartWindowMs: seconds("restartWindow", options.restartWindow ?? 30),
    stopTimeoutMs: atLeast(0, "stopTimeout", options.stopTimeout ?? 5_000),
    startTimeoutMs: checkTimeout("startTimeout", options.startTimeout ?? defaultStartTimeoutMs),
    maxPending: atLeast(1, "maxPending", options.maxPending ?? 250_000),
  };
}

/** A time limit in milliseconds. Throws `INVALID_OPTION` unless it is above 0. */
export function checkTimeout(name: string, value: number): number {
  if (typeof value === "number" && value > 0) {
    return value;
  }
  throw invalid(name, "a number of milliseconds above 0; leave it out for no limit", value);
}

/** Throws `INVALID_OPTION` for what is no `AbortSignal`. One of another realm, as test environments have them, is one. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal !== undefined && typeof signal?.aborted !== "boolean") {
    throw invalid("signal", "an AbortSignal, such as that of new AbortController()", signal);
  }
}

function seconds(name: string, value: number): number {
  return atLeast(0, name, value) * 1000;
}

function aboveZero(name: string, value: number): number {
  if (typeof value === "number" && value > 0) {
    return value;
  }
  throw invalid(name, "a number of seconds above 0", value);
}

function atLeast(least: number, name: string, value: number): number {
  if (typeof value === "number" && value >= least) {
    return value;
  }
  throw invalid(name, `a number of at least ${least}`, value);
}

function invalid(name: string, wanted: string, value: unknown): MultifrostError {
  return new MultifrostError("INVALID_OPTION", `${name} must be ${wanted}, not ${String(value)}.`);
}
