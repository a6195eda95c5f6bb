import type { Metadata } from "./messages.js";

/** What a peer may understand beyond the first form of the protocol: `undefined` is an argument that was not given. */
export type Feature = "undefined";

/** For whom a message is. */
export interface Receiver {
  /** What it has announced that it understands. */
  readonly features: ReadonlySet<Feature>;
}

/** Those of a peer that has announced none. */
export const NO_FEATURES: ReadonlySet<Feature> = new Set();

const WITH_UNDEFINED: ReadonlySet<Feature> = new Set(["undefined"]);

/** The known features that a message announces in its metadata. */
export function featuresOf(metadata: Metadata | undefined): ReadonlySet<Feature> {
  const announced: unknown = metadata?.features;
  return Array.isArray(announced) && announced.includes("undefined") ? WITH_UNDEFINED : NO_FEATURES;
}
