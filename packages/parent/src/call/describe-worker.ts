// Introspection, all of it: the names that can be called, and what the worker tells of each under `metadata`.
// Next: list-functions.ts asks by every name it has; check-interface.ts compares.

import { type InterfaceDescription, readInterface } from "@multifrost/protocol";
import { listFunctions } from "./list-functions.js";
import type { Answer } from "./outgoing-call.js";

/** Asks, and reads the answer: the names alone of a worker that tells no more. Rejects as {@link listFunctions} does. */
export async function describeWorker(ask: (name: string) => Promise<Answer>): Promise<InterfaceDescription> {
  const { value, metadata } = await listFunctions(ask);
  return readInterface(metadata?.interface, Array.isArray(value) ? value : []);
}
