// The subpath `@multifrost/transport/memory`.

export { createMemoryTransport, type MemoryTransport, type MemoryTransportOptions } from "./memory-transport.js";
export type { NetworkConditions } from "./wire.js";
