// What the matrix prints: a grid for each mode, then each failure with its reason.

import type { KnownFailure } from "./known-failures.ts";
import type { Result } from "./pair.ts";

const WIDTH = 12;

/** Parents down, workers across; each cell has the number of passed cases. */
export function printGrid(
  title: string,
  results: readonly Result[],
  parents: readonly string[],
  children: readonly string[],
): void {
  console.log(`\n${title}: parents down, workers across`);
  console.log(["", ...children].map((text) => text.padEnd(WIDTH)).join(""));
  for (const parent of parents) {
    const cells = children.map((child) => cell(results.filter((one) => one.parent === parent && one.child === child)));
    console.log([parent, ...cells].map((text) => text.padEnd(WIDTH)).join(""));
  }
}

function cell(results: readonly Result[]): string {
  const held = results.filter(({ failure }) => failure === undefined).length;
  return results.length === 0 ? "left out" : `${held}/${results.length}`;
}

/** Prints failures, known failures, and stale known failures. */
export function printFailures(
  failed: readonly Result[],
  expected: readonly Result[],
  stale: readonly KnownFailure[],
): void {
  for (const result of failed) {
    console.log(`\nFAILED ${label(result)}\n  ${result.failure?.trimEnd().replaceAll("\n", "\n  ")}`);
  }
  for (const result of expected) {
    console.log(`\nknown failure: ${label(result)}`);
  }
  for (const entry of stale) {
    console.log(`\nSTALE: ${label(entry)} is in known-failures.json, but it passed. Remove it.`);
  }
}

function label({ mode, parent, child, case: name }: Result | KnownFailure): string {
  return `${mode}: ${parent} → ${child}: ${name}`;
}
