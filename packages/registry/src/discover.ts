import { setTimeout as delay } from "node:timers/promises";
import { AbortError, RegistryError } from "@multifrost/protocol/errors";
import { checkOptions, type OptionRules, SIGNAL } from "@multifrost/protocol/internal";
import { isProcessAlive } from "./process-alive.js";
import { serviceNotFound } from "./registry-errors.js";
import { WAIT } from "./registry-lock.js";
import { readEntry } from "./service-entry.js";
import type { DiscoverOptions, ServiceEntry, ServiceListing } from "./service-registry.js";
import { readServices, type Services } from "./services-file.js";

/** How long discovery waits for a service, in milliseconds. Source: protocol.md, section 4. */
export const DISCOVERY_TIMEOUT_MS = 5000;

/** Time between two looks, in milliseconds. Source: protocol.md, section 4. */
const POLL_MS = 100;

/**
 * Polls until the service is registered and its process is alive. Takes no locks. A file that is not a JSON map is read
 * again: another implementation may be writing it.
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
    const services = await readServices(file);
    const text = services?.get(serviceId);
    const entry = text === undefined ? undefined : readEntry(serviceId, text);
    if (entry !== undefined && isProcessAlive(entry.pid)) {
      return entry;
    }
    if (isLast) {
      const listings = services && listEntries(services);
      throw serviceNotFound(serviceId, { file, timeoutMs, listings, present: text !== undefined });
    }
    await pause(Math.min(POLL_MS, Math.max(0, deadline - performance.now())), signal);
  }
}

const RULES: OptionRules<DiscoverOptions> = { timeoutMs: WAIT, signal: SIGNAL };

/** Lists the entries. `undefined` if the file is not a JSON map for ten looks in a row. */
export async function listServices(file: string): Promise<readonly ServiceListing[] | undefined> {
  for (let looks = 1; ; looks += 1) {
    const services = await readServices(file);
    if (services !== undefined || looks === 10) {
      return services && listEntries(services);
    }
    await delay(POLL_MS);
  }
}

function listEntries(services: Services): ServiceListing[] {
  return [...services]
    .map(([serviceId, text]) => readEntry(serviceId, text))
    .filter((entry) => entry !== undefined)
    .map((entry) => ({ ...entry, alive: isProcessAlive(entry.pid) }));
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
