/**
 * `@multifrost/registry`: where services register and parents find them, and the registry in `~/.multifrost`.
 *
 * @packageDocumentation
 */

export { DISCOVERY_TIMEOUT_MS } from "./discover.js";
export { createFileRegistry, type FileRegistryOptions } from "./file-registry.js";
export { LOCK_TIMEOUT_MS } from "./registry-lock.js";
export { isProcessAlive } from "./running-process.js";
export type {
  DiscoverOptions,
  Registration,
  ServiceEntry,
  ServiceListing,
  ServiceRegistry,
} from "./service-registry.js";
export { defaultRegistryDirectory } from "./services-file.js";
