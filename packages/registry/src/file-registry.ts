import { RegistryError } from "@multifrost/protocol/errors";
import { CALLBACK, checkOptions, NAME, type OptionRules } from "@multifrost/protocol/internal";
import { discoverService, listServices } from "./discover.js";
import { livenessOf, type System, thisSystem } from "./liveness.js";
import { serviceExists, unavailableIfSystemError, unreadableWarning } from "./registry-errors.js";
import { LOCK_TIMEOUT_MS, lockDeadline, WAIT } from "./registry-lock.js";
import {
  checkPid,
  checkServiceId,
  createEntry,
  publicEntry,
  readEntry,
  type StoredEntry,
  writeEntry,
} from "./service-entry.js";
import type {
  DiscoverOptions,
  Registration,
  ServiceEntry,
  ServiceListing,
  ServiceRegistry,
} from "./service-registry.js";
import { type RegistryPaths, registryPaths, type Services } from "./services-file.js";
import { type Change, updateServices } from "./update-services.js";

/** Options of {@link createFileRegistry}. */
export interface FileRegistryOptions {
  /**
   * The directory of `services.json` and its locks. Default: `~/.multifrost`, determined at each operation. Other
   * implementations look only there.
   */
  readonly directory?: string;
  /** How long a write waits for its locks before `LOCK_TIMEOUT`, in milliseconds from the call on. Default: 10 000. */
  readonly lockTimeoutMs?: number;
  /** Called when the file is corrupt. Default: emits a process warning of type `MultifrostRegistryWarning`. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Creates a registry in the file that all implementations share. Does nothing until a method is called, and keeps nothing
 * open.
 *
 * Throws `RegistryError` `INVALID_OPTION`. Source: protocol.md, section 4.
 */
export function createFileRegistry(options: FileRegistryOptions = {}): ServiceRegistry {
  checkOptions("createFileRegistry", options, RULES, { error: (code, message) => new RegistryError(code, message) });
  return new FileRegistry(options);
}

const RULES: OptionRules<FileRegistryOptions> = { directory: NAME, lockTimeoutMs: WAIT, onWarning: CALLBACK };

class FileRegistry implements ServiceRegistry {
  readonly #directory: string | undefined;
  readonly #lockTimeoutMs: number;
  readonly #onWarning: (message: string) => void;
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor({ directory, lockTimeoutMs = LOCK_TIMEOUT_MS, onWarning = warnProcess }: FileRegistryOptions) {
    this.#directory = directory;
    this.#lockTimeoutMs = lockTimeoutMs;
    this.#onWarning = onWarning;
  }

  async register(registration: Registration): Promise<ServiceEntry> {
    const entry = createEntry(registration);
    const paths = this.#paths();
    const system = thisSystem();
    return this.#update(paths, (services) => addEntry(services, entry, paths.services, system));
  }

  async discover(serviceId: string, options?: DiscoverOptions): Promise<ServiceEntry> {
    checkServiceId(serviceId);
    const paths = this.#paths();
    return discoverService(paths.services, serviceId, options).catch(rethrowUnavailable(paths));
  }

  async list(): Promise<readonly ServiceListing[]> {
    const paths = this.#paths();
    const listings = await listServices(paths.services).catch(rethrowUnavailable(paths));
    if (listings === undefined) {
      this.#onWarning(unreadableWarning(paths.services));
    }
    return listings ?? [];
  }

  async unregister(serviceId: string, pid: number = process.pid): Promise<boolean> {
    checkServiceId(serviceId);
    checkPid(pid);
    return this.#update(this.#paths(), async (services) => removeEntry(services, serviceId, pid));
  }

  async prune(): Promise<readonly ServiceEntry[]> {
    const system = thisSystem();
    return this.#update(this.#paths(), (services) => removeDead(services, system));
  }

  /** HOME may change between two operations. */
  #paths(): RegistryPaths {
    return registryPaths(this.#directory);
  }

  /**
   * Runs one write after the other, so that the writes of one process do not compete for the locks. Waiting here counts
   * as waiting for the locks.
   */
  #update<Result>(paths: RegistryPaths, change: (services: Services) => Promise<Change<Result>>): Promise<Result> {
    const deadline = lockDeadline(this.#lockTimeoutMs);
    const options = { paths, deadline, onWarning: this.#onWarning };
    const write = this.#lastWrite.then(() => updateServices(options, change));
    this.#lastWrite = write.catch(() => {});
    return write;
  }
}

async function addEntry(
  services: Services,
  entry: ServiceEntry,
  file: string,
  system: System,
): Promise<Change<ServiceEntry>> {
  const holder = entryOf(services, entry.serviceId);
  if (holder !== undefined && (await livenessOf(holder, system)) === "live") {
    throw serviceExists(holder, file);
  }
  services.set(entry.serviceId, writeEntry(entry));
  return { changed: true, result: entry };
}

function removeEntry(services: Services, serviceId: string, pid: number): Change<boolean> {
  const isOurs = entryOf(services, serviceId)?.pid === pid && services.delete(serviceId);
  return { changed: isOurs, result: isOurs };
}

async function removeDead(services: Services, system: System): Promise<Change<readonly ServiceEntry[]>> {
  const entries = [...services.keys()]
    .map((serviceId) => entryOf(services, serviceId))
    .filter((entry) => entry !== undefined);
  const states = await Promise.all(entries.map((entry) => livenessOf(entry, system)));
  const dead = entries.filter((_entry, index) => states[index] !== "live").map(publicEntry);
  for (const { serviceId } of dead) {
    services.delete(serviceId);
  }
  return { changed: dead.length > 0, result: dead };
}

function entryOf(services: Services, serviceId: string): StoredEntry | undefined {
  const text = services.get(serviceId);
  return text === undefined ? undefined : readEntry(serviceId, text);
}

function rethrowUnavailable(paths: RegistryPaths): (error: unknown) => never {
  return (error) => {
    throw unavailableIfSystemError(error, paths, "read");
  };
}

function warnProcess(message: string): void {
  process.emitWarning(message, "MultifrostRegistryWarning");
}
