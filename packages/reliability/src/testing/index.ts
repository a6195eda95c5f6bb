/**
 * `@multifrost/reliability/testing`: a clock moved by hand and repeatable random numbers.
 *
 * @packageDocumentation
 */

export { createSeededRandom } from "@multifrost/protocol/internal";
export { createFakeClock, type FakeClock } from "./fake-clock.js";
