// The registry in `services.json`: the five methods, each in terms of one look or one write.
// Next: discover.ts (looks) and update-services.ts (writes).

import { RegistryError } from "@multifrost/protocol/errors";
import { discoverService, listServices } from "./discover.js";
import { isProcessAlive } from "./process-alive.js";
import { serviceExists, unavailableUnlessOurs, unreadableWarning } from "./registry-errors.js";
import { LOCK_TIMEOUT_MS, lockDeadline } from "./registry-lock.js";
import { type RegistryPaths, registryPaths } from "./registry-path.js";
import { checkPid, checkServiceId, createEntry, readEntry, writeEntry } from "./service-entry.js";
import type { ServiceEntry, ServiceListing, ServiceRegistry } from "./service-registry.js";
import type { Services } from "./services-text.js";
import { type Change, updateServices } from "./update-services.js";

/** Where the registry is kept and how patient it is. */
export interface FileRegistryOptions {
  /**
   * The directory of `services.json` and its locks. Default: `~/.multifrost`, looked up with each operation; only there
   * do the other implementations look.
   */
  readonly directory?: string;
  /** How long a write waits for its locks, in milliseconds, from the call on. Default: 10 000. Then: `LOCK_TIMEOUT`. */
  readonly lockTimeoutMs?: number;
  /** Told when the file turns out to be corrupt. Default: a process warning of type `MultifrostRegistryWarning`. */
  readonly onWarning?: (message: string) => void;
}

/**
 * A registry in the file that all implementations share. Does nothing until a method is called, and holds nothing open.
 *
 * Throws `RegistryError` `INVALID_OPTION`. Source: protocol.md, section 4.
 */
export function createFileRegistry(options: FileRegistryOptions = {}): ServiceRegistry {
  const { onWarning = warnProcess } = options;
  const paths = (): RegistryPaths => registryPaths(options.directory);
  const update = createUpdate(options.lockTimeoutMs ?? LOCK_TIMEOUT_MS, onWarning);
  return {
    async register(registration) {
      const entry = createEntry(registration);
      const at = paths();
      return update(at, (services) => addEntry(services, entry, at.services));
    },
    async discover(serviceId, discoverOptions) {
      checkServiceId(serviceId);
      const at = paths();
      return discoverService(at.services, serviceId, discoverOptions).catch(rethrowUnavailable(at));
    },
    list: async () => listOrWarn(paths(), onWarning),
    async unregister(serviceId, pid = process.pid) {
      checkServiceId(serviceId);
      checkPid(pid);
      return update(paths(), (services) => removeEntry(services, serviceId, pid));
    },
    prune: async () => update(paths(), removeDead),
  };
}

type Update = <Result>(paths: RegistryPaths, change: (services: Services) => Change<Result>) => Promise<Result>;

/**
 * Writes one after the other, so that the writes of one process do not fight each other for the locks. The time a write
 * waits in this queue counts as time it waits for the locks.
 */
function createUpdate(lockTimeoutMs: number, onWarning: (message: string) => void): Update {
  if (!(lockTimeoutMs >= 0)) {
    throw new RegistryError("INVALID_OPTION", `lockTimeoutMs must be 0 or a positive number, not ${lockTimeoutMs}.`);
  }
  let last: Promise<unknown> = Promise.resolve();
  return (paths, change) => {
    const deadline = lockDeadline(lockTimeoutMs);
    const write = last.then(() => updateServices({ paths, deadline, onWarning }, change));
    last = write.catch(() => {});
    return write;
  };
}

async function listOrWarn(
  paths: RegistryPaths,
  onWarning: (message: string) => void,
): Promise<readonly ServiceListing[]> {
  const listings = await listServices(paths.services).catch(rethrowUnavailable(paths));
  if (listings === undefined) {
    onWarning(unreadableWarning(paths.services));
  }
  return listings ?? [];
}

function addEntry(services: Services, entry: ServiceEntry, file: string): Change<ServiceEntry> {
  const holder = entryOf(services, entry.serviceId);
  if (holder !== undefined && isProcessAlive(holder.pid)) {
    throw serviceExists(holder, file);
  }
  services.set(entry.serviceId, writeEntry(entry));
  return { changed: true, result: entry };
}

function removeEntry(services: Services, serviceId: string, pid: number): Change<boolean> {
  const isOurs = entryOf(services, serviceId)?.pid === pid && services.delete(serviceId);
  return { changed: isOurs, result: isOurs };
}

function removeDead(services: Services): Change<readonly ServiceEntry[]> {
  const dead = [...services.keys()]
    .map((serviceId) => entryOf(services, serviceId))
    .filter((entry) => entry !== undefined)
    .filter((entry) => !isProcessAlive(entry.pid));
  for (const { serviceId } of dead) {
    services.delete(serviceId);
  }
  return { changed: dead.length > 0, result: dead };
}

function entryOf(services: Services, serviceId: string): ServiceEntry | undefined {
  const text = services.get(serviceId);
  return text === undefined ? undefined : readEntry(serviceId, text);
}

function rethrowUnavailable(paths: RegistryPaths): (error: unknown) => never {
  return (error) => {
    throw unavailableUnlessOurs(error, paths, "read");
  };
}

function warnProcess(message: string): void {
  process.emitWarning(message, "MultifrostRegistryWarning");
}
