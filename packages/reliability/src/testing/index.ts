// The subpath `@multifrost/reliability/testing`: time and chance held still, for tests.

export { createFakeClock, type FakeClock } from "./fake-clock.js";
export { createSeededRandom } from "./seeded-random.js";
