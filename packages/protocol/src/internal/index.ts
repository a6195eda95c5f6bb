/**
 * `@multifrost/protocol/internal`: what several Multifrost packages share. Not for applications: it may change in any
 * release.
 *
 * @packageDocumentation
 */

export { countsAgainstWorker } from "../errors/error-codes.js";
export { withOutcome } from "../errors/multifrost-error.js";
export { LONGEST_TIMER_MS, orAborted, pause, withLimit } from "./bounded-wait.js";
export { Deferred } from "./deferred.js";
export { FifoQueue } from "./fifo-queue.js";
export { INTROSPECTION_NAMES } from "./introspection-names.js";
export { LineSplitter } from "./line-splitter.js";
export { EVENT_LEVELS, type LogEventName } from "./log-events.js";
export { copiedLength, isWhole, joinParts, type MessageParts, partTransferred } from "./message-parts.js";
export { nearestName } from "./nearest-name.js";
export {
  CALLBACK,
  checkOptions,
  countFrom,
  FLAG,
  invalidOption,
  LOGGER,
  NAME,
  numberFrom,
  type OptionError,
  type OptionRule,
  type OptionRules,
  objectWith,
  rule,
  SIGNAL,
  shown,
  TEXT,
} from "./option-checks.js";
export { registryUnloadable } from "./registry-unloadable.js";
export { callSafely, rethrowLater } from "./rethrow-later.js";
export { createSeededRandom } from "./seeded-random.js";
export {
  ENDPOINT_VARIABLE,
  PORT_VARIABLE,
  parsePort,
  SPAWN_VARIABLES,
  TOKEN_PROPERTY,
  TOKEN_VARIABLE,
  UNFORWARDED_WRITE,
  WORKER_MODE_VARIABLE,
} from "./spawn-environment.js";
