// What tells the three ways to a worker apart: spawned, found as a service, over a transport of the user's own.
// Next: spawn/open-by-spawn.ts, open-by-service.ts, open-by-transport.ts.

import { basename } from "node:path";
import { MultifrostError } from "@multifrost/protocol";
import type { ServiceRegistry } from "@multifrost/registry";
import type { LifeConfig } from "./life-config.js";
import type { OpenLink } from "./link.js";
import { openByService } from "./open-by-service.js";
import { openByTransport } from "./open-by-transport.js";
import type { ComposedOptions, ConnectOptions, SpawnOptions } from "./options.js";
import type { Executable } from "./spawn/launch-plan.js";
import { openBySpawn } from "./spawn/open-by-spawn.js";

/** How long a service is looked for, and may take to answer, in milliseconds. */
export const SERVICE_TIMEOUT_MS = 5_000;

/** One way to a worker. */
export interface Way extends Pick<LifeConfig, "name" | "serviceId" | "kind"> {
  /** The default of `startTimeout`, where it is not that of a spawned worker. */
  readonly startTimeoutMs?: number;
  open(maxMessageBytes: number, timeoutMs: number): OpenLink;
}

/** A process of our own. */
export function spawnedWay(scriptPath: string | URL, executable: Executable | undefined, options: SpawnOptions): Way {
  return {
    name: basename(scriptPath instanceof URL ? scriptPath.pathname : scriptPath),
    serviceId: undefined,
    kind: "spawned",
    open: (maxMessageBytes, timeoutMs) => openBySpawn({ scriptPath, executable, options, maxMessageBytes, timeoutMs }),
  };
}

/** A service that is running. */
export function serviceWay(serviceId: string, registry: ServiceRegistry, { host }: ConnectOptions): Way {
  return {
    name: serviceId,
    serviceId,
    kind: "service",
    startTimeoutMs: SERVICE_TIMEOUT_MS,
    open: (maxMessageBytes, timeoutMs) => openByService({ serviceId, registry, host, maxMessageBytes, timeoutMs }),
  };
}

/** A transport of the user's own. Throws `MultifrostError` `INVALID_OPTION` where there is none. */
export function composedWay({ transport }: ComposedOptions): Way {
  if (typeof transport?.open !== "function") {
    throw new MultifrostError(
      "INVALID_OPTION",
      "transport must be a ClientTransport. To start a worker use ParentWorker.spawn(), to find one ParentWorker.connect().",
    );
  }
  return {
    name: "worker",
    serviceId: undefined,
    kind: "composed",
    open: (_maxMessageBytes, timeoutMs) => openByTransport(transport, timeoutMs),
  };
}
