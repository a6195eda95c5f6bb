// The results of a full run as a file: what the documents and charts are made from. No path, no host name.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem, type } from "node:os";
import { contenders } from "../contenders/list.mjs";
import { cases } from "./cases.mjs";
import { quantile, spread } from "./quantiles.mjs";

const FOLDER = new URL("../results/", import.meta.url);

/** Writes `results/NAME.json`. */
export function writeResults(name, results) {
  const rounded = (_key, value) => (typeof value === "number" ? Number(value.toPrecision(4)) : value);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(new URL(`${name}.json`, FOLDER), `${JSON.stringify(results, rounded, 2)}\n`);
}

/** All result files, by name. */
export function readResults() {
  const names = readdirSync(FOLDER).filter((file) => file.endsWith(".json"));
  return Object.fromEntries(
    names.map((file) => [file.replace(/\.json$/, ""), JSON.parse(readFileSync(new URL(file, FOLDER), "utf8"))]),
  );
}

/** When and on what. */
export function circumstances() {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      processor: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      memoryGib: Math.round(totalmem() / 2 ** 30),
      system: `${type()} ${process.arch}`,
      node: process.version,
    },
  };
}

/** The figures of all cases as spreads, with percentiles where single calls were timed. */
export function summary(results) {
  return Object.fromEntries(
    Object.entries(results).map(([id, figures]) => {
      const { title, unit, better } = cases[id];
      const rows = Object.entries(figures).map(([contender, measured]) => summaryOf(contender, measured));
      return [id, { title, unit, better, rows }];
    }),
  );
}

function summaryOf(id, measured) {
  const { title } = contenders.find((contender) => contender.id === id);
  const samples = measured.flatMap((one) => one.samples ?? []).sort((a, b) => a - b);
  return {
    id,
    title,
    value: spread(measured.map(({ value }) => value)),
    ...(measured[0].cpu > 0 && { cpu: spread(measured.map(({ cpu }) => cpu)) }),
    ...(samples.length > 0 && {
      p50: quantile(samples, 0.5),
      p99: quantile(samples, 0.99),
      p999: quantile(samples, 0.999),
    }),
  };
}
