import { completeLimits, DEFAULT_NAMESPACE, type MessageLimits } from "@multifrost/protocol";
import {
  checkOptions,
  countFrom,
  FLAG,
  LOGGER,
  NAME,
  numberFrom,
  type OptionRules,
  objectWith,
  rule,
  TEXT,
} from "@multifrost/protocol/internal";
import type { ServiceRegistry } from "@multifrost/registry";
import type { Logger } from "@multifrost/reliability";
import type { ServerTransport, TransportName } from "@multifrost/transport";

/** Options of a `ChildWorker`. Each has a default; a string instead of them is the service id. */
export interface ChildOptions {
  /** The name that parents find this worker by. Default: none; a parent has to spawn it. */
  serviceId?: string;
  /** The namespace of the calls that this worker answers. Default: `default`. */
  namespace?: string;
  /**
   * What happens to a call for another namespace. `answer`, the default, answers it with an error; `ignore` drops it, for
   * workers that share a channel.
   */
  otherNamespaces?: "answer" | "ignore";
  /** Calls that run at the same time; 1 gives strict order. Default: `Infinity`. */
  maxConcurrency?: number;
  /**
   * Calls running and waiting, of all parents together. One more is answered with an error at once, unless its parent has less
   * than an equal share of them. Default: 250 000.
   */
  maxPending?: number;
  /** What they may take in memory, an estimate in bytes; otherwise as `maxPending`. Default: 536 870 912 (512 MiB). */
  maxPendingBytes?: number;
  /** How long calls in flight may take to finish after `stop()`, in milliseconds; may be `Infinity`. Default: 5000. */
  stopTimeout?: number;
  /**
   * Whether any parent may end a worker that it did not spawn, by a shutdown message. Default: `false`; signals and
   * `stop()` end it. The parent that spawned a worker always may.
   */
  allowRemoteShutdown?: boolean;
  /**
   * Whether what the process writes to stdout and stderr is sent to the parents. Default: `true`, but `false` with
   * `transport`, as child and parent may then be one process.
   */
  forwardOutput?: boolean;
  /**
   * What carries the messages: `zmtp`; `zeromq`, which needs the optional package zeromq; or a transport that you bring (see
   * `@multifrost/transport`). Parents may use either of the two. Default: `auto`, which is what the parent uses that spawned
   * the worker, else what the environment variable `MULTIFROST_TRANSPORT` says, else `zmtp`.
   */
  transport?: TransportName | ServerTransport;
  /** Where a service is announced. Default: the file `~/.multifrost/services.json`. */
  registry?: ServiceRegistry;
  /** The address a service listens on. Default: `127.0.0.1`; the protocol has no authentication. */
  host?: string;
  /** The app id of the protocol; parents must use the same. Default: `comlink_ipc_v3`. */
  app?: string;
  /** Bounds on messages and their parts. Default: `DEFAULT_LIMITS` of `@multifrost/protocol`. */
  limits?: Partial<MessageLimits>;
  /** Anything shaped like `console` or pino, or `false` for none. Default: warnings and errors to stderr. */
  logger?: Logger | false;
}

/** Options of `start()`. */
export interface StartOptions {
  /**
   * Carries the messages instead of what the worker's options say: for tests, as `testWorker()` of `@multifrost/testing` does.
   * The worker is no service then, and does not forward its output unless its options say so. Default: none.
   */
  transport?: ServerTransport;
}

/** Options with their defaults filled in. */
export interface ResolvedChildOptions extends ChildOptions {
  namespace: string;
  otherNamespaces: "answer" | "ignore";
  maxConcurrency: number;
  maxPending: number;
  maxPendingBytes: number;
  stopTimeout: number;
  allowRemoteShutdown: boolean;
}

const RULES: OptionRules<ChildOptions> = {
  serviceId: NAME,
  namespace: TEXT,
  otherNamespaces: rule("'answer' or 'ignore'", (value) => value === "answer" || value === "ignore"),
  maxConcurrency: countFrom(1),
  maxPending: countFrom(1),
  maxPendingBytes: countFrom(1),
  stopTimeout: numberFrom(0),
  allowRemoteShutdown: FLAG,
  forwardOutput: FLAG,
  transport: rule(
    "'auto', 'zmtp', 'zeromq' or a ServerTransport",
    (value) => ["auto", "zmtp", "zeromq"].includes(value as string) || objectWith("", "open").accepts(value),
  ),
  registry: objectWith("a ServiceRegistry, such as createFileRegistry() returns", "register"),
  host: NAME,
  app: NAME,
  // Its parts are checked where the codec is made.
  limits: rule("an object", (value) => typeof value === "object" && value !== null),
  logger: LOGGER,
};

const START_RULES: OptionRules<StartOptions> = {
  transport: objectWith("a ServerTransport", "open"),
};

/** Throws `MultifrostError` `INVALID_OPTION`. */
export function checkStartOptions(options: unknown): void {
  checkOptions("start()", options, START_RULES);
}

/** Fills in the defaults. Throws `MultifrostError` `INVALID_OPTION`, naming the option and what it must be. */
export function resolveChildOptions(given: string | ChildOptions = {}): ResolvedChildOptions {
  const options: ChildOptions = typeof given === "string" ? { serviceId: given } : given;
  checkOptions("ChildWorker", options, RULES);
  completeLimits(options.limits);
  return {
    ...options,
    namespace: options.namespace ?? DEFAULT_NAMESPACE,
    otherNamespaces: options.otherNamespaces ?? "answer",
    maxConcurrency: options.maxConcurrency ?? Number.POSITIVE_INFINITY,
    maxPending: options.maxPending ?? 250_000,
    maxPendingBytes: options.maxPendingBytes ?? 512 * 1024 ** 2,
    stopTimeout: options.stopTimeout ?? 5_000,
    allowRemoteShutdown: options.allowRemoteShutdown ?? false,
  };
}
