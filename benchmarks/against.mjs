// `pnpm bench:against [--ref REF]`: this checkout against another commit, in one run. How: README.md.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildAt } from "./checkout.mjs";
import { interleave } from "./measure.mjs";
import { startMultifrost } from "./multifrost/client.mjs";
import { readOptions } from "./options.mjs";
import { printHead, printRow } from "./report.mjs";

/** Pairs of repetitions, this checkout and the other in turn. */
const REPETITIONS = 15;

/** Length of one repetition, in milliseconds. */
const REPETITION_MS = 400;

/** Calls that are always in flight in the measurement of throughput. */
const IN_FLIGHT = 128;

const options = readOptions("pnpm bench:against [--ref REF] [--check]", {
  ref: { type: "string", default: "9dffa40" },
});
const other = await import(pathToFileURL(join(buildAt(options.ref), "benchmarks/multifrost/client.mjs")).href);
const large = new Uint8Array(1024 * 1024).fill(0xa5);
const pair = { multifrost: await startMultifrost(large), bare: await other.startMultifrost(large) };
const rows = [
  await compare("one call after the other, median", "µs", (side, ms) => side.small.medianMicros(ms), "≤"),
  await compare(`${IN_FLIGHT} calls in flight, rate`, "/s", (side, ms) => side.small.rate(IN_FLIGHT, ms), "≥"),
  await compare("1 MiB of binary there and back, median", "µs", (side, ms) => side.large.medianMicros(ms), "≤"),
];
await Promise.all([pair.multifrost.close(), pair.bare.close()]);
printHead(options.ref, REPETITIONS);
rows.forEach(printRow);
process.exitCode = options.check && rows.some(({ missed }) => missed) ? 1 : 0;

/** A row is missed where even the best pair is worse than the other commit: then it is not the machine. */
async function compare(title, unit, measure, better) {
  const compared = await interleave(pair, REPETITIONS, REPETITION_MS, measure);
  const { min, max } = compared.ratio;
  return { title, unit, ...compared, target: `${better} 1.00`, missed: better === "≤" ? min > 1 : max < 1 };
}
