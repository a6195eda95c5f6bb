// Measures contenders in turn: A B C, A B C, … Other load on the machine meets all of them, and a ratio is taken within
// one repetition, where they are closest in time.

import { spread } from "./quantiles.mjs";

/** What each contender runs before a case counts, in milliseconds. */
const WARM_UP_MS = 300;

/** Resolves with the figures of each repetition, by contender. `measure(driver, ms)` makes one. */
export async function interleave(drivers, repetitions, ms, measure) {
  for (const driver of drivers) {
    await measure(driver, WARM_UP_MS);
  }
  const figures = Object.fromEntries(drivers.map(({ id }) => [id, []]));
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    for (const driver of drivers) {
      figures[driver.id].push(await measure(driver, ms));
    }
  }
  return figures;
}

/** The spread of one contender's figures divided by another's, repetition by repetition. `figure`: `value` or `cpu`. */
export function ratio(figures, of, to, figure = "value") {
  return spread(figures[of].map((measured, repetition) => measured[figure] / figures[to][repetition][figure]));
}
