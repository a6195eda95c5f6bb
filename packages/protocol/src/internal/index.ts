/**
 * `@multifrost/protocol/internal`: small things that several Multifrost packages need. Not for applications: it may
 * change in any release.
 *
 * @packageDocumentation
 */

export { countsAgainstWorker } from "../errors/failure-codes.js";
export { LONGEST_TIMER_MS, orAborted, pause, withLimit } from "./bounded-wait.js";
export { Deferred } from "./deferred.js";
export { FifoQueue } from "./fifo-queue.js";
export { INTROSPECTION_NAMES } from "./introspection-names.js";
export { EVENT_LEVELS, type LogEventName } from "./log-events.js";
export { atLeast, invalidOption } from "./option-checks.js";
export { callSafely, rethrowLater } from "./rethrow-later.js";
export { createSeededRandom } from "./seeded-random.js";
export { PORT_VARIABLE, parsePort, UNFORWARDED_WRITE, WORKER_MODE_VARIABLE } from "./spawn-environment.js";
