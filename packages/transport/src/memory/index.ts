// The subpath `@multifrost/transport/memory`.

export { createMemoryTransport, type MemoryTransport } from "./memory-transport.js";
