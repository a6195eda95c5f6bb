// Whether figures keep to their targets.

import { cases } from "./cases.mjs";
import { ratio } from "./interleave.mjs";
import { spread } from "./quantiles.mjs";
import { IDLE_PARENT_KIB, PARENTS_RATIO, targets } from "./targets.mjs";

/** How far a ratio may lie outside its target on a busy machine before it counts as out of its band. */
const TOLERANCE = 0.2;

/**
 * A row for each target whose figures were measured: `held`, `missed` where the median is outside the target, and `OUT OF BAND` where it
 * is outside by more than the tolerance and the spread of this run (its middle half) together.
 *
 * @param measurements Results by case and contender; the first that has a target's figures counts.
 */
export function checkTargets(measurements) {
  return targets.flatMap(({ case: id, of, to, limit }) => {
    const figures = measurements
      .map((results) => results[id])
      .find((found) => found?.[of] && (to === undefined || found[to]));
    if (figures === undefined) {
      return [];
    }
    const measured = to === undefined ? spread(figures[of].map(({ value }) => value)) : ratio(figures, of, to);
    const cpu = to === undefined ? Number.NaN : ratio(figures, of, to, "cpu").median;
    const { title, better, unit } = cases[id];
    return [
      row(to === undefined ? `${title}, ${unit}: ${of}` : `${title}: ${of} ÷ ${to}`, measured, better, limit, cpu),
    ];
  });
}

/** The rows about many parents of one service. */
export function checkParents({ loads, kibPerParent }) {
  const ratios = loads.map(({ each, inAll, rows }) => {
    const load = inAll === undefined ? `${each} in flight at each` : `${inAll} in flight in all`;
    return row(`1,000 parents ÷ 1, ${load}`, rows.at(-1).ratio, "more", PARENTS_RATIO);
  });
  const { parent, service } = kibPerParent.at(-1);
  return [
    ...ratios,
    row("An idle parent, KiB in its process", spread([parent]), "less", IDLE_PARENT_KIB),
    row("An idle parent, KiB at the service", spread([service]), "less", IDLE_PARENT_KIB),
  ];
}

function row(title, measured, better, limit, cpu = Number.NaN) {
  return { title, measured, better, limit, cpu, verdict: verdict(better, limit, measured) };
}

function verdict(better, limit, { median, lower, upper }) {
  const more = better === "more";
  if (more ? median >= limit : median <= limit) {
    return "held";
  }
  const allowance = limit * TOLERANCE + (upper - lower);
  return (more ? median < limit - allowance : median > limit + allowance) ? "OUT OF BAND" : "missed";
}
