// Introspection: the names that can be called, whatever language the worker is written in.
// describe-worker.ts asks for more than the names.

import { RemoteCallError, WorkerExitedError } from "@multifrost/protocol";

/** What it is called in the languages there are: JavaScript and Rust, Python, Go. */
const NAMES = ["listFunctions", "list_functions", "ListFunctions"] as const;

/**
 * Asks by each name in turn until one is answered. Rejects with the first refusal, or at once with what says that
 * another name would not help.
 */
export async function listFunctions<R>(call: (name: string) => Promise<R>): Promise<R> {
  let refused: unknown;
  for (const name of NAMES) {
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
