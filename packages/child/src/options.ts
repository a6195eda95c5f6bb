// What a child can be told, with the default of each. The parent's twin: parent/src/options.ts.

import { DEFAULT_NAMESPACE, type MessageLimits } from "@multifrost/protocol";
import { atLeast } from "@multifrost/protocol/internal";
import type { ServiceRegistry } from "@multifrost/registry";
import type { Logger } from "@multifrost/reliability";
import type { ServerTransport } from "@multifrost/transport";

/** How a child is run. Everything has a default; a string in its place is the service id. */
export interface ChildOptions {
  /** The name to be found by. Without it (and without `transport`) the child can only be spawned by a parent. */
  serviceId?: string;
  /** Which calls are meant for this child. Default: `default`. */
  namespace?: string;
  /**
   * What happens to a call for another namespace. Default: `answer` it with an error, so that its caller does not wait
   * in vain; `ignore` it where several children share one channel.
   */
  otherNamespaces?: "answer" | "ignore";
  /** Calls that run at the same time; 1 gives strict order. Default: `Infinity`. */
  maxConcurrency?: number;
  /** Calls running and waiting; beyond, a call is answered with an error at once. Default: 250 000. */
  maxPending?: number;
  /** How long calls in flight may take to finish after `stop()`, in milliseconds. Default: 5000. */
  stopTimeout?: number;
  /**
   * Whether what is written to stdout and stderr is sent to the parents. Default: `true`, but `false` with a transport
   * of your own, where child and parent may be one process.
   */
  forwardOutput?: boolean;
  /** Your own way to move bytes, in place of ZeroMQ. See `@multifrost/transport`. */
  transport?: ServerTransport;
  /** Where a service is announced. Default: the file `~/.multifrost/services.json`. */
  registry?: ServiceRegistry;
  /** The address a service listens on. Default: `127.0.0.1`; the protocol has no authentication. */
  host?: string;
  /** The app id of the protocol. Default: `comlink_ipc_v3`. */
  app?: string;
  /** Bounds on messages and their parts. */
  limits?: Partial<MessageLimits>;
  /** Anything shaped like `console` or pino, or `false` for none. Default: warnings and errors to stderr. */
  logger?: Logger | false;
}

/** Options with the defaults in. */
export interface ResolvedChildOptions extends ChildOptions {
  namespace: string;
  otherNamespaces: "answer" | "ignore";
  maxConcurrency: number;
  maxPending: number;
  stopTimeout: number;
  forwardOutput: boolean;
}

/** Fills in the defaults. Throws `MultifrostError` `INVALID_OPTION` for a number that cannot be. */
export function resolveChildOptions(given: string | ChildOptions = {}): ResolvedChildOptions {
  const options: ChildOptions = typeof given === "string" ? { serviceId: given } : given;
  return {
    ...options,
    namespace: options.namespace ?? DEFAULT_NAMESPACE,
    otherNamespaces: options.otherNamespaces ?? "answer",
    maxConcurrency: atLeast(1, "maxConcurrency", options.maxConcurrency ?? Number.POSITIVE_INFINITY),
    maxPending: atLeast(1, "maxPending", options.maxPending ?? 250_000),
    stopTimeout: atLeast(0, "stopTimeout", options.stopTimeout ?? 5_000),
    forwardOutput: options.forwardOutput ?? options.transport === undefined,
  };
}
