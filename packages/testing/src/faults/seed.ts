// The seed of faults: the same one gives the same faults.

import { createSeededRandom, invalidOption } from "@multifrost/protocol/internal";

const RANGE = 2 ** 32;

/**
 * Returns the seed that was given; otherwise draws one and prints it to stderr, so that a failure can be repeated.
 *
 * @param what Named in the line: `channel faults`.
 *
 * Throws `MultifrostError` `INVALID_OPTION` unless it is a whole number from 0 to 4 294 967 295.
 */
export function chooseSeed(what: string, given: number | undefined): number {
  if (given === undefined) {
    const drawn = Math.floor(Math.random() * RANGE);
    process.stderr.write(`multifrost: ${what}, seed ${drawn}\n`);
    return drawn;
  }
  if (!Number.isInteger(given) || given < 0 || given >= RANGE) {
    throw invalidOption("seed", `a whole number from 0 to ${RANGE - 1}`, given);
  }
  return given;
}

/** The random numbers of one part of what a seed decides: parts do not depend on the order in which they draw. */
export function streamOf(seed: number, part: number): () => number {
  return createSeededRandom((seed + Math.imul(part, 0x9e3779b9)) >>> 0);
}
