// Random numbers that are the same in every run. For tests of whatever takes a `random`, such as ../backoff.ts.

/** Makes a stand-in for `Math.random`: uniform in [0, 1), the same sequence for the same seed. Not for secrets. */
export function createSeededRandom(seed: number): () => number {
  let state = seed >>> 0;
  // A linear congruential generator, with the constants of "Numerical Recipes".
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
