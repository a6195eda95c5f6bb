// Whether ratios keep to their targets.

import { cases } from "./cases.mjs";
import { ratio } from "./interleave.mjs";
import { targets } from "./targets.mjs";

/** How far a ratio may lie outside its target on a busy machine before it counts as out of its band. */
const TOLERANCE = 0.2;

/**
 * The targets whose figures were measured, each with its ratio and a verdict: `held`, `missed` where the median is outside the
 * target, and `OUT OF BAND` where it is outside by more than the tolerance and the spread of this run (its middle half) together.
 */
export function checkTargets(results) {
  return targets
    .filter(({ case: id, of, to }) => results[id]?.[of] !== undefined && results[id][to] !== undefined)
    .map((target) => {
      const measured = ratio(results[target.case], target.of, target.to);
      const cpu = ratio(results[target.case], target.of, target.to, "cpu");
      return { ...target, measured, cpu, verdict: verdict(target, measured) };
    });
}

function verdict({ case: id, limit }, { median, lower, upper }) {
  const more = cases[id].better === "more";
  if (more ? median >= limit : median <= limit) {
    return "held";
  }
  const allowance = limit * TOLERANCE + (upper - lower);
  return (more ? median < limit - allowance : median > limit + allowance) ? "OUT OF BAND" : "missed";
}
