// Whether figures keep to their targets.

import { findContender } from "../contenders/list.mjs";
import { cases } from "./cases.mjs";
import { ratio } from "./interleave.mjs";
import { quantile, spread } from "./quantiles.mjs";
import { IDLE_PARENT_KIB, PARENTS_RATIO, targets } from "./targets.mjs";

/** How far a ratio may lie outside its band on a busy machine, besides the spread of the run. */
const TOLERANCE = 0.2;

/**
 * A row for each target whose figures were measured: `held`, `missed` where the median is outside the target, and `OUT OF BAND` where
 * it is outside the band by more than the tolerance and the spread of this run (its middle half) together. So must be the ratio of
 * the best figures of both sides, which other load on the machine disturbs least.
 *
 * @param measurements Results by case and contender; the first that has a target's figures counts.
 */
export function checkTargets(measurements) {
  return targets.flatMap(({ case: id, of, to, limit, band }) => {
    const figures = measurements
      .map((results) => results[id])
      .find((found) => found?.[of] && (to === undefined || found[to]));
    if (figures === undefined) {
      return [];
    }
    const { title, better, unit } = cases[id];
    const name = findContender(of).title;
    if (to === undefined) {
      const measured = spread(figures[of].map(({ value }) => value));
      return [row(`${title}, ${unit}: ${name}`, measured, better, limit)];
    }
    const measured = ratio(figures, of, to);
    const cpu = ratio(figures, of, to, "cpu").median;
    const best = bestOf(figures[of], better) / bestOf(figures[to], better);
    return [row(`${title}: ${name} ÷ ${findContender(to).title}`, measured, better, limit, { band, best, cpu })];
  });
}

/**
 * The rows about many parents of one service. Where each of 128 calls is another parent's, none of them shares a write with
 * another, and one parent's do: there the comparison is with bare sockets.
 */
export function checkParents({ loads, bare, kibPerParent }) {
  const ratios = loads
    .filter(({ each }) => each)
    .map(({ each, rows }) =>
      row(`1,000 parents ÷ 1, ${each} in flight at each`, rows.at(-1).ratio, "more", PARENTS_RATIO),
    );
  ratios.push(
    row(
      `1,000 parents ÷ 1, ${bare.inAll} in flight in all, ÷ the same of bare TCP sockets`,
      bare.toBare,
      "more",
      PARENTS_RATIO,
    ),
  );
  const { parent, service } = kibPerParent.at(-1);
  return [
    ...ratios,
    row("An idle parent, KiB in its process", spread([parent]), "less", IDLE_PARENT_KIB),
    row("An idle parent, KiB at the service", spread([service]), "less", IDLE_PARENT_KIB),
  ];
}

function row(title, measured, better, limit, { band = limit, best = measured.median, cpu = Number.NaN } = {}) {
  const outside = (value, bound) => (better === "more" ? value < bound : value > bound);
  const allowance = band * TOLERANCE + measured.upper - measured.lower;
  const edge = better === "more" ? band - allowance : band + allowance;
  const outOfBand = outside(measured.median, edge) && outside(best, edge);
  const verdict = outOfBand ? "OUT OF BAND" : outside(measured.median, limit) ? "missed" : "held";
  return { title, measured, best, better, limit, cpu, verdict };
}

/** The figure that only a tenth is better than. */
function bestOf(measured, better) {
  const sorted = measured.map(({ value }) => value).sort((a, b) => a - b);
  return quantile(sorted, better === "more" ? 0.9 : 0.1);
}
