// Charts with one row for each contender: bars, and dots on a logarithmic axis.

import { number } from "../suite/report.mjs";
import { element, picture, text, WIDTH } from "./svg.mjs";

const ROW = 26;
const TOP = 58;
const LEFT = 270;

/** Bars that begin at 0, the longest first. Rows: `{ title, kind, value }`, where `kind` is a colour of the theme. */
export function bars(about, rows, theme) {
  const sorted = [...rows].sort((a, b) => b.value.median - a.value.median);
  const most = Math.max(...sorted.map(({ value }) => value.median));
  const width = (value) => (value / most) * (WIDTH - LEFT - 90);
  const body = sorted.flatMap(({ title, kind, value }, index) => {
    const y = TOP + index * ROW;
    return [
      label(title, kind, y, theme),
      element("rect", {
        x: LEFT,
        y: y + 4,
        width: Math.max(width(value.median), 1),
        height: ROW - 8,
        rx: 2,
        fill: theme[kind],
      }),
      text(LEFT + width(value.median) + 8, y + 18, number(value.median), valueStyle(kind, theme)),
    ];
  });
  return picture({ ...about, height: TOP + sorted.length * ROW + 6, theme }, body);
}

/** A dot for the median and a line to the 99th percentile, the least first. Rows: `{ title, kind, p50, p99 }`. */
export function dots(about, rows, theme) {
  const sorted = [...rows].sort((a, b) => a.p50 - b.p50);
  const least = Math.log10(Math.min(...sorted.map(({ p50 }) => p50)) * 0.8);
  const most = Math.log10(Math.max(...sorted.map(({ p99 }) => p99)) * 1.1);
  const x = (value) => LEFT + ((Math.log10(value) - least) / (most - least)) * (WIDTH - LEFT - 80);
  const bottom = TOP + sorted.length * ROW;
  const ticks = [10, 100, 1000, 10_000].filter((tick) => Math.log10(tick) >= least && Math.log10(tick) <= most);
  const axis = ticks.flatMap((tick) => [
    element("line", { x1: x(tick), x2: x(tick), y1: TOP, y2: bottom, stroke: theme.grid }),
    text(x(tick), bottom + 18, number(tick).replace(/\.0+$/, ""), {
      fill: theme.quiet,
      "text-anchor": "middle",
      "font-size": 13,
    }),
  ]);
  const body = sorted.flatMap(({ title, kind, p50, p99 }, index) => {
    const y = TOP + index * ROW;
    return [
      label(title, kind, y, theme),
      element("line", { x1: x(p50), x2: x(p99), y1: y + 13, y2: y + 13, stroke: theme[kind], "stroke-width": 3 }),
      element("circle", { cx: x(p50), cy: y + 13, r: 6, fill: theme[kind] }),
      text(x(p99) + 8, y + 18, number(p50), valueStyle(kind, theme)),
    ];
  });
  return picture({ ...about, height: bottom + 28, theme }, [...axis, ...body]);
}

function label(title, kind, y, theme) {
  return text(LEFT - 10, y + 18, title, {
    fill: theme.text,
    "text-anchor": "end",
    ...(kind === "ours" && { "font-weight": 600 }),
  });
}

function valueStyle(kind, theme) {
  return {
    fill: kind === "ours" ? theme.text : theme.quiet,
    "font-size": 13,
    ...(kind === "ours" && { "font-weight": 600 }),
  };
}
