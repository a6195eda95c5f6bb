// Introspection: the names that can be called, whatever language the worker is written in.
// describe-worker.ts asks for more than the names.

import { RemoteCallError, WorkerExitedError } from "@multifrost/protocol";
import { INTROSPECTION_NAMES } from "@multifrost/protocol/internal";

/**
 * Asks by each name in turn until one is answered. Rejects with the first refusal, or at once with what says that
 * another name would not help.
 */
export async function listFunctions<R>(call: (name: string) => Promise<R>): Promise<R> {
  let refused: unknown;
  for (const name of INTROSPECTION_NAMES) {
    try {
      return await call(name);
    } catch (error) {
      if (!(error instanceof RemoteCallError) || error instanceof WorkerExitedError) {
        throw error;
      }
      refused ??= error;
    }
  }
  throw refused;
}
