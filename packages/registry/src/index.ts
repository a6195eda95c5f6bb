/**
 * `@multifrost/registry`: where services register and parents find them, and the registry in `~/.multifrost`.
 *
 * @packageDocumentation
 */

export { DISCOVERY_TIMEOUT_MS } from "./discover.js";
export { createFileRegistry, type FileRegistryOptions } from "./file-registry.js";
export { isProcessAlive } from "./process-alive.js";
export { LOCK_TIMEOUT_MS } from "./registry-lock.js";
export type {
  DiscoverOptions,
  Registration,
  ServiceEntry,
  ServiceListing,
  ServiceRegistry,
} from "./service-registry.js";
export { defaultRegistryDirectory } from "./services-file.js";
