// `pnpm bench`: calls through Multifrost against bare zeromq.js, in one run. What is measured, and why so: README.md.
// With --check a missed target makes the exit code 1.

import { startContenders } from "./contenders.mjs";
import { compareStarts, interleave } from "./measure.mjs";
import { readOptions } from "./options.mjs";
import { printPromptness, printTable } from "./report.mjs";
import { rejectsAfterExit, resolvesAfterReachable } from "./starts/starts.mjs";

/** The whole run takes about 25 s; one that is still at it after this is broken, in milliseconds. */
const MOST_MS = 60_000;

/** Pairs of repetitions, Multifrost and bare in turn. */
const REPETITIONS = 7;

/** Starts of each kind. */
const STARTS = 5;

/** Calls that are always under way in the measurement of throughput. */
const IN_FLIGHT = 128;

const options = readOptions("pnpm bench [--check]");

setTimeout(() => {
  console.error(`The benchmark is not done after ${MOST_MS / 1000} s and is given up.`);
  process.exit(1);
}, MOST_MS).unref();

const { starts, rows } = await measureAll();
printTable(rows, starts, REPETITIONS);
const promptness = [
  { title: "start() resolves after the worker is reachable", limit: 50, ...(await resolvesAfterReachable(STARTS)) },
  { title: "start() rejects after the script has exited", limit: 100, ...(await rejectsAfterExit(STARTS)) },
];
printPromptness(promptness);
const missed = rows.some((row) => row.missed) || promptness.some(({ median, limit }) => median > limit);
process.exitCode = options.check && missed ? 1 : 0;

async function measureAll() {
  const starts = await compareStarts(startContenders, STARTS);
  const pair = await startContenders();
  try {
    return { starts, rows: [await sequential(pair), await inFlight(pair), await largeBinary(pair)] };
  } finally {
    await Promise.all([pair.multifrost.close(), pair.bare.close()]);
  }
}

async function sequential(pair) {
  const compared = await interleave(pair, REPETITIONS, 400, (contender, ms) => contender.small.medianMicros(ms));
  const { ratio } = compared;
  return {
    title: "one call after the other, median",
    unit: "µs",
    ...compared,
    target: "≤ 1.35",
    missed: ratio.median > 1.35,
  };
}

async function inFlight(pair) {
  const compared = await interleave(pair, REPETITIONS, 400, (contender, ms) => contender.small.rate(IN_FLIGHT, ms));
  const { ratio } = compared;
  return {
    title: `${IN_FLIGHT} calls in flight, rate`,
    unit: "/s",
    ...compared,
    target: "≥ 0.50",
    missed: ratio.median < 0.5,
  };
}

async function largeBinary(pair) {
  const compared = await interleave(pair, REPETITIONS, 300, (contender, ms) => contender.large.medianMicros(ms));
  return { title: "1 MiB of binary there and back, median", unit: "µs", ...compared, target: undefined, missed: false };
}
