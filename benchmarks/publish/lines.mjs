// A chart with a line for each contender, both axes logarithmic.

import { number } from "../suite/report.mjs";
import { element, picture, text, WIDTH } from "./svg.mjs";

const TOP = 58;
const HEIGHT = 330;
const LEFT = 56;
const RIGHT = 250;

/** Lines: `{ title, kind, values }`, a value for each of the columns. Each has its name at its end. */
export function lines(about, columns, rows, theme) {
  const all = rows.flatMap(({ values }) => values);
  const least = Math.log10(Math.min(...all) * 0.8);
  const most = Math.log10(Math.max(...all) * 1.2);
  const x = (index) => LEFT + (index / (columns.length - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => TOP + HEIGHT - ((Math.log10(value) - least) / (most - least)) * HEIGHT;
  const ticks = [1, 10, 100, 1000, 10_000].filter((tick) => Math.log10(tick) >= least && Math.log10(tick) <= most);
  const grid = ticks.flatMap((tick) => [
    element("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick), stroke: theme.grid }),
    text(LEFT - 8, y(tick) + 5, number(tick).replace(/\.0+$/, ""), {
      fill: theme.quiet,
      "text-anchor": "end",
      "font-size": 13,
    }),
  ]);
  const names = columns.map((name, index) =>
    text(x(index), TOP + HEIGHT + 24, name, { fill: theme.quiet, "text-anchor": "middle", "font-size": 13 }),
  );
  const ends = apart(
    rows.map(({ values }) => y(values.at(-1))),
    18,
  );
  const drawn = rows.flatMap(({ title, kind, values }, index) => [
    element("polyline", {
      points: values.map((value, column) => `${x(column).toFixed(1)},${y(value).toFixed(1)}`).join(" "),
      fill: "none",
      stroke: theme[kind],
      "stroke-width": kind === "ours" ? 3 : 2,
    }),
    ...values.map((value, column) => element("circle", { cx: x(column), cy: y(value), r: 3.5, fill: theme[kind] })),
    element("line", {
      x1: WIDTH - RIGHT + 4,
      x2: WIDTH - RIGHT + 18,
      y1: y(values.at(-1)),
      y2: ends[index],
      stroke: theme.grid,
    }),
    text(WIDTH - RIGHT + 24, ends[index] + 5, `${title}  ${number(values.at(-1))}`, {
      fill: kind === "ours" ? theme.text : theme.quiet,
      ...(kind === "ours" && { "font-weight": 600 }),
      "font-size": 13,
    }),
  ]);
  return picture({ ...about, height: TOP + HEIGHT + 36, theme }, [...grid, ...names, ...drawn]);
}

/** Moves positions so that neighbours are at least so far apart, in the order they have. */
function apart(positions, distance) {
  const order = positions.map((_, index) => index).sort((a, b) => positions[a] - positions[b]);
  const moved = [...positions];
  for (let pass = 0; pass < positions.length * 4; pass += 1) {
    for (let at = 1; at < order.length; at += 1) {
      const gap = moved[order[at]] - moved[order[at - 1]];
      if (gap < distance) {
        moved[order[at - 1]] -= (distance - gap) / 2;
        moved[order[at]] += (distance - gap) / 2;
      }
    }
  }
  return moved;
}
