// Known failures and their reasons: they do not fail the run, but a known failure that passes does.

import { readFileSync } from "node:fs";
import type { Result } from "./pair.ts";

/** One entry of known-failures.json. */
export interface KnownFailure {
  readonly parent: string;
  readonly child: string;
  readonly mode: string;
  readonly case: string;
  readonly reason: string;
}

/** The known failures. Throws for an entry without a reason. */
export function readKnownFailures(): KnownFailure[] {
  const known = JSON.parse(readFileSync(new URL("../known-failures.json", import.meta.url), "utf8")) as KnownFailure[];
  for (const entry of known) {
    if (!entry.reason) {
      throw new Error(`known-failures.json: no reason for ${JSON.stringify(entry)}`);
    }
  }
  return known;
}

/** Unknown failures, known failures, and entries whose case passed. */
export function judge(
  results: readonly Result[],
  known: readonly KnownFailure[],
): { failed: Result[]; expected: Result[]; stale: KnownFailure[] } {
  const failing = results.filter((result) => result.failure !== undefined);
  const isKnown = (result: Result): boolean => known.some((entry) => matches(entry, result));
  return {
    failed: failing.filter((result) => !isKnown(result)),
    expected: failing.filter(isKnown),
    // The case ran (parts of the matrix may be skipped) and passed.
    stale: known.filter((entry) => results.some((result) => matches(entry, result) && result.failure === undefined)),
  };
}

function matches(entry: KnownFailure, result: Result): boolean {
  return (
    entry.parent === result.parent &&
    entry.child === result.child &&
    entry.mode === result.mode &&
    entry.case === result.case
  );
}
