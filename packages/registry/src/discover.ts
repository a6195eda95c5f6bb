import { setTimeout as delay } from "node:timers/promises";
import { AbortError, RegistryError } from "@multifrost/protocol/errors";
import { checkOptions, type OptionRules, SIGNAL } from "@multifrost/protocol/internal";
import { livenessOf, type System, thisSystem } from "./liveness.js";
import { serviceNotFound } from "./registry-errors.js";
import { WAIT } from "./registry-lock.js";
import { publicEntry, readEntry } from "./service-entry.js";
import type { DiscoverOptions, ServiceEntry, ServiceListing } from "./service-registry.js";
import { readServices, readWhole, type Services } from "./services-file.js";

/** How long discovery waits for a service, in milliseconds. Source: protocol.md, section 4. */
export const DISCOVERY_TIMEOUT_MS = 5000;

/** Time between two looks, in milliseconds. Source: protocol.md, section 4. */
const POLL_MS = 100;

/**
 * Polls until the service is registered and live. Takes no locks. A file that is not a JSON map is read again, also after
 * the last look: another implementation may be writing it.
 *
 * Rejects with `RegistryError` `SERVICE_NOT_FOUND` or `INVALID_OPTION`, `AbortError`, and the system's error if the file
 * cannot be read.
 */
export async function discoverService(
  file: string,
  serviceId: string,
  options: DiscoverOptions = {},
): Promise<ServiceEntry> {
  checkOptions("discover", options, RULES, { error: (code, message) => new RegistryError(code, message) });
  const { timeoutMs = DISCOVERY_TIMEOUT_MS, signal } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    throwIfAborted(signal, serviceId);
    const isLast = performance.now() >= deadline;
    const services = isLast ? await readWhole(file) : await readServices(file);
    const text = services?.get(serviceId);
    const entry = text === undefined ? undefined : readEntry(serviceId, text);
    const liveness = entry && (await livenessOf(entry, thisSystem(signal)));
    if (entry !== undefined && liveness === "live") {
      return publicEntry(entry);
    }
    throwIfAborted(signal, serviceId);
    if (isLast) {
      // What else is there is only mentioned: no port is asked for it.
      const listings = services && (await listEntries(services, { ...thisSystem(), answers: async () => true }));
      throw serviceNotFound(serviceId, { file, timeoutMs, listings, present: text !== undefined, liveness });
    }
    await pause(Math.min(POLL_MS, Math.max(0, deadline - performance.now())), signal);
  }
}

const RULES: OptionRules<DiscoverOptions> = { timeoutMs: WAIT, signal: SIGNAL };

/** Lists the entries. `undefined` if the file is not a JSON map. */
export async function listServices(file: string): Promise<readonly ServiceListing[] | undefined> {
  const services = await readWhole(file);
  return services && listEntries(services, thisSystem());
}

function listEntries(services: Services, system: System): Promise<ServiceListing[]> {
  const entries = [...services]
    .map(([serviceId, text]) => readEntry(serviceId, text))
    .filter((entry) => entry !== undefined);
  return Promise.all(
    entries.map(async (entry) => ({ ...publicEntry(entry), alive: (await livenessOf(entry, system)) === "live" })),
  );
}

function throwIfAborted(signal: AbortSignal | undefined, serviceId: string): void {
  if (signal?.aborted) {
    throw new AbortError(`The search for service '${serviceId}' was aborted.`, { cause: signal.reason });
  }
}

/** Ends early when the signal fires; the loop then rejects. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(ms, undefined, signal && { signal }).catch(() => {});
}
