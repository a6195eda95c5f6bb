// Measures contenders in turn: A B C, A B C, … Other load on the machine meets all of them, and a ratio is taken within
// one repetition, where they are closest in time.

import { spread } from "./quantiles.mjs";

/** What each contender runs before a case counts, in milliseconds. */
const WARM_UP_MS = 300;

/**
 * Resolves with the figures of each repetition, by contender. `measure(driver, ms)` makes one. A contender that fails is left out
 * of this case and reported, unless it is one of ours: then this rejects.
 */
export async function interleave(drivers, repetitions, ms, measure) {
  const figures = new Map(drivers.map((driver) => [driver, []]));
  for (let repetition = -1; repetition < repetitions; repetition += 1) {
    for (const [driver, measured] of figures) {
      try {
        const figure = await measure(driver, repetition < 0 ? WARM_UP_MS : ms);
        if (repetition >= 0) {
          measured.push(figure);
        }
      } catch (error) {
        if (driver.id.startsWith("multifrost")) {
          throw error;
        }
        console.error(`Left out: ${error.message}`);
        figures.delete(driver);
      }
    }
  }
  return Object.fromEntries([...figures].map(([{ id }, measured]) => [id, measured]));
}

/** The spread of one contender's figures divided by another's, repetition by repetition. `figure`: `value` or `cpu`. */
export function ratio(figures, of, to, figure = "value") {
  return spread(figures[of].map((measured, repetition) => measured[figure] / figures[to][repetition][figure]));
}
