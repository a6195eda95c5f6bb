/**
 * `@multifrost/child`: the side that answers calls.
 *
 * @packageDocumentation
 */

export { ChildWorker } from "./child-worker.js";
export type { ChildOptions, StartOptions } from "./options.js";
