// The public face of `@multifrost/registry`: the contract, and the registry in a file.

export { DISCOVERY_TIMEOUT_MS } from "./discover.js";
export { createFileRegistry, type FileRegistryOptions } from "./file-registry.js";
export { isProcessAlive } from "./process-alive.js";
export { LOCK_TIMEOUT_MS } from "./registry-lock.js";
export { defaultRegistryDirectory } from "./registry-path.js";
export type {
  DiscoverOptions,
  Registration,
  ServiceEntry,
  ServiceListing,
  ServiceRegistry,
} from "./service-registry.js";
