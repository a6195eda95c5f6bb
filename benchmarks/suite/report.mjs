// What was measured, as tables for people.

import { findContender } from "../contenders/list.mjs";
import { cases } from "./cases.mjs";
import { ratio } from "./interleave.mjs";
import { spread } from "./quantiles.mjs";

/** One case: every contender's median, least and most, processor time for each call, and the ratio to the first contender. */
export function printCase(id, figures) {
  const { title, unit, better } = cases[id];
  console.log(`\n${title}, ${unit} (${better} is better)`);
  const [first] = Object.keys(figures);
  for (const [contender, measured] of Object.entries(figures)) {
    const cpu = measured[0].cpu === undefined ? undefined : spread(measured.map((one) => one.cpu)).median;
    console.log(
      `  ${findContender(contender).title.padEnd(48)}` +
        range(spread(measured.map(({ value }) => value))).padStart(32) +
        (cpu === undefined ? "" : `${number(cpu)} µs CPU`).padStart(16) +
        `× ${number(ratio(figures, contender, first).median)}`.padStart(10),
    );
  }
}

/** The targets: median, lower to upper quarter, ratio of processor time, limit, verdict. */
export function printTargets(rows) {
  console.log("\nTargets: median (lower to upper quarter); the ratio of the best figures, and of processor time");
  for (const { title, better, limit, measured, best, cpu, verdict } of rows) {
    console.log(
      `  ${title.padEnd(78)}` +
        `${number(measured.median)} (${number(measured.lower)} – ${number(measured.upper)})`.padStart(24) +
        `best ${number(best)}`.padStart(12) +
        (Number.isNaN(cpu) ? "" : `CPU ${number(cpu)}`).padStart(12) +
        `${better === "more" ? "≥" : "≤"} ${limit}`.padStart(8) +
        `  ${verdict}`,
    );
  }
}

function range({ median, min, max }) {
  return `${number(median)} (${number(min)} – ${number(max)})`;
}

/** Three digits that count, thousands apart. */
export function number(value) {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value
    .toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })
    .replaceAll(",", " ");
}
