// Options of parents and calls, with their defaults.

import type { MessageLimits, Metadata } from "@multifrost/protocol";
import type { ServiceRegistry } from "@multifrost/registry";
import type { FailureRule, Logger } from "@multifrost/reliability";
import type { ClientTransport, TransportName } from "@multifrost/transport";

/** Options of every parent, however it reaches its worker. */
export interface ParentOptions {
  /** The worker's name in messages and logs. Default: the script's file name, or the service id. */
  name?: string;
  /** Timeout of calls that set none, in milliseconds. Default: none. */
  defaultTimeout?: number;
  /** Restart the process after an unexpected exit, or when it is stalled for `stallTimeout`. Default: `false`. */
  autoRestart?: boolean;
  /** Restarts before giving up; also the consecutive failures that open the circuit breaker. Default: 5. */
  maxRestartAttempts?: number;
  /** Time between heartbeats, in **seconds**; 0 switches heartbeats off. Default: 5. */
  heartbeatInterval?: number;
  /** Time a heartbeat may stay unanswered, in **seconds**. Default: 3. */
  heartbeatTimeout?: number;
  /** Consecutive missed heartbeats after which the state is `stalled`. Default: 3. */
  heartbeatMaxMisses?: number;
  /**
   * Time a worker may leave heartbeats unanswered while its process lives and its connection is up, in **seconds**: it computes,
   * is suspended, or hangs. Then the circuit opens, and with `autoRestart` the process is killed and started again. Time in which
   * this process itself was blocked does not count. 0: as soon as it is stalled. `Infinity`: never. Default: 60.
   */
  stallTimeout?: number;
  /** Time from open to the first trial call, in **seconds**; doubles each time the trial fails, up to 30. Default: 1. */
  circuitResetTimeout?: number;
  /** Upper bound of the first delay before a restart or reconnect, in **seconds**; doubles up to 5. Default: 0.1. */
  restartBackoff?: number;
  /** Time a worker must stay healthy to get its restarts back, in **seconds**. Default: 30. */
  restartWindow?: number;
  /** Time `stop()` gives calls in flight to finish, in milliseconds. Default: 5000. */
  stopTimeout?: number;
  /**
   * Time the worker may take to become reachable, in milliseconds. Applies to `start()`, to calls without a timeout
   * that wait for a restart or reconnect, and to how long a trial call without a timeout keeps others out while the
   * circuit is half-open. Default: 30 000; to a service 5000.
   */
  startTimeout?: number;
  /** Calls that may wait for an answer; more reject with `OverloadError`. Default: 250 000. */
  maxPending?: number;
  /**
   * The length of their messages together, in bytes, without values above 64 KiB, which are sent from the memory they are in: once
   * it is reached, more reject with `OverloadError`. A call that timed out or was aborted counts until the connection has taken
   * its message. Default: 67 108 864 (64 MiB).
   */
  maxPendingBytes?: number;
  /** Decides which errors count in the circuit breaker. Asked only about errors that count by default. */
  isFailure?: FailureRule;
  /** Namespace of calls that set none. Default: `default`. */
  namespace?: string;
  /** Sent with each call as `client_name`, for the worker's logs. Default: none. */
  clientName?: string;
  /** The protocol's app id. Default: `comlink_ipc_v3`. */
  app?: string;
  /** Limits on messages and their parts. */
  limits?: Partial<MessageLimits>;
  /**
   * The hash that came with the worker's types, from `interfaceDeclaration` or `interfaceHash`. Each time the worker
   * becomes reachable, the parent asks for its interface and logs the warning `interface_mismatch` if the hash differs;
   * calls go on. Default: none, and the parent asks nothing.
   */
  interfaceHash?: string;
  /** A logger shaped like `console` or pino, or `false` for none. Default: warnings and errors to stderr. */
  logger?: Logger | false;
}

/** Options of `ParentWorker.spawn`. */
export interface SpawnOptions extends ParentOptions {
  /**
   * What carries the messages: `zmtp`, or `zeromq`, which needs the optional package zeromq. Default: `auto`, which is what the
   * environment variable `MULTIFROST_TRANSPORT` says, else `zmtp`.
   */
  transport?: TransportName;
  /** Arguments of the program that runs the script, before the script: `["--max-old-space-size=4096"]`. Default: none. */
  execArgv?: readonly string[];
  /** Arguments after the script. Default: none. */
  args?: readonly string[];
  /** The child's working directory; relative script paths start from it too. Default: this process's. */
  cwd?: string;
  /** Variables added to this process's environment for the child; `undefined` removes one. */
  env?: Readonly<Record<string, string | undefined>>;
  /**
   * Run the command line in a shell. The script's path is quoted (not on Windows); `executable` and `args` are not.
   * Default: `false`.
   */
  shell?: boolean;
}

/** Options of `ParentWorker.connect`. */
export interface ConnectOptions extends ParentOptions {
  /**
   * What carries the messages: `zmtp`, or `zeromq`, which needs the optional package zeromq. The service may use either.
   * Default: `auto`, which is what the environment variable `MULTIFROST_TRANSPORT` says, else `zmtp`.
   */
  transport?: TransportName;
  /** Time to look for the service, in milliseconds. Default: 5000. */
  timeout?: number;
  /** Where services are looked up. Default: the file `~/.multifrost/services.json`. */
  registry?: ServiceRegistry;
  /** The address the service listens on. Default: `127.0.0.1`. */
  host?: string;
}

/** Options of `new ParentWorker`: a transport you bring, and the usual options. */
export interface ComposedOptions extends ParentOptions {
  /** Moves the bytes. See `@multifrost/transport`. */
  transport: ClientTransport;
}

/** Options of one call, or of all calls made through `withOptions`. */
export interface CallOptions {
  /** Time the call may take, in milliseconds; then it rejects with `TimeoutError`. Default: `defaultTimeout`. */
  timeout?: number;
  /** Stops waiting for the answer: the call rejects with `AbortError`. The worker may still finish the method. */
  signal?: AbortSignal;
  /** Namespace of the worker on a shared channel. Default: the parent's `namespace`. */
  namespace?: string;
  /** Sent with the call, for the worker's logs. Default: the parent's `clientName`. */
  clientName?: string;
  /** Sent with the call: `correlation_id`, `parent_request_id`, `traceparent`, `tracestate`, and keys of yours. */
  metadata?: Metadata;
}

/** Of most calls, which then need no check. */
export const NO_OPTIONS: CallOptions = Object.freeze({});

/** Options with the defaults filled in, and every time in milliseconds. */
export interface ResolvedOptions {
  readonly defaultTimeoutMs: number | undefined;
  readonly autoRestart: boolean;
  readonly maxRestartAttempts: number;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly heartbeatMaxMisses: number;
  readonly stallTimeoutMs: number;
  readonly circuitResetMs: number;
  readonly restartBackoffMs: number;
  readonly restartWindowMs: number;
  readonly stopTimeoutMs: number;
  readonly startTimeoutMs: number;
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  readonly namespace: string | undefined;
  readonly clientName: string | undefined;
  readonly isFailure: FailureRule | undefined;
  readonly interfaceHash: string | undefined;
  readonly logger: Logger | false | undefined;
}

/** Fills in the defaults of options that are checked. */
export function resolveOptions(options: ParentOptions, defaultStartTimeoutMs = 30_000): ResolvedOptions {
  return {
    defaultTimeoutMs: options.defaultTimeout,
    autoRestart: options.autoRestart ?? false,
    maxRestartAttempts: options.maxRestartAttempts ?? 5,
    heartbeatIntervalMs: (options.heartbeatInterval ?? 5) * 1000,
    heartbeatTimeoutMs: (options.heartbeatTimeout ?? 3) * 1000,
    heartbeatMaxMisses: options.heartbeatMaxMisses ?? 3,
    stallTimeoutMs: (options.stallTimeout ?? 60) * 1000,
    circuitResetMs: (options.circuitResetTimeout ?? 1) * 1000,
    restartBackoffMs: (options.restartBackoff ?? 0.1) * 1000,
    restartWindowMs: (options.restartWindow ?? 30) * 1000,
    stopTimeoutMs: options.stopTimeout ?? 5_000,
    startTimeoutMs: options.startTimeout ?? defaultStartTimeoutMs,
    maxPending: options.maxPending ?? 250_000,
    maxPendingBytes: options.maxPendingBytes ?? 64 * 1024 ** 2,
    namespace: options.namespace,
    clientName: options.clientName,
    isFailure: options.isFailure,
    interfaceHash: options.interfaceHash,
    logger: options.logger,
  };
}
