// Opens the contenders, measures cases in turn, and closes them again.

import { findContender } from "../contenders/list.mjs";
import { cases } from "./cases.mjs";
import { Driver } from "./drivers.mjs";
import { interleave } from "./interleave.mjs";
import { installFor } from "./runtimes.mjs";

/** What each contender runs after it is opened, in milliseconds. V8 compiles meanwhile, for about two seconds on a busy machine. */
const WARM_UP_MS = 3000;

/**
 * Resolves with the figures by case and contender.
 *
 * @param plan `{ case, contenders, repetitions, ms }` for each case; ids, a count and milliseconds.
 * @param onCase Called with id and figures when a case is done.
 */
export async function runCases(plan, onCase) {
  const drivers = new Map();
  const results = {};
  const ids = new Set(plan.flatMap(({ contenders }) => contenders));
  installFor([...ids].map(findContender));
  try {
    for (const id of ids) {
      drivers.set(id, new Driver(id));
    }
    for (const driver of drivers.values()) {
      await driver.ask("open");
      await driver.ask("measure", "in-flight-128", WARM_UP_MS);
    }
    for (const { case: id, contenders, repetitions, ms } of plan) {
      const able = await supporting(
        id,
        contenders.map((contender) => drivers.get(contender)),
      );
      const measure =
        cases[id].runOnce === undefined
          ? (driver, duration) => driver.ask("measure", id, duration)
          : (driver) => driver.ask("measureOnce", id);
      results[id] = await interleave(able, repetitions, ms, measure);
      onCase(id, results[id]);
    }
    for (const driver of drivers.values()) {
      await driver.ask("close").catch((error) => console.error(`Did not close in order: ${error.message}`));
    }
    return results;
  } finally {
    await Promise.all([...drivers.values()].map((driver) => driver.end()));
  }
}

async function supporting(id, drivers) {
  const answers = await Promise.all(drivers.map((driver) => driver.ask("supports", id)));
  return drivers.filter((_, index) => answers[index]);
}
