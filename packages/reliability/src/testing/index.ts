// The subpath `@multifrost/reliability/testing`: time and chance held still, for tests.

export { createSeededRandom } from "@multifrost/protocol/internal";
export { createFakeClock, type FakeClock } from "./fake-clock.js";
