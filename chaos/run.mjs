// `pnpm chaos`: kills, stops and restarts what Multifrost talks to, and counts what must not happen. README.md says what each
// campaign does.

import { parseArgs } from "node:util";
import { createSeededRandom } from "@multifrost/testing";
import { backpressure } from "./campaigns/backpressure.mjs";
import { optionFuzzing } from "./campaigns/options.mjs";
import { parentKills } from "./campaigns/parent-kills.mjs";
import { registryWrites } from "./campaigns/registry-writes.mjs";
import { serviceRestarts } from "./campaigns/service-restarts.mjs";
import { soak } from "./campaigns/soak.mjs";
import { workerKills } from "./campaigns/worker-kills.mjs";
import { workerStops } from "./campaigns/worker-stops.mjs";

/** By name: what runs, how often in the long run, and how often in the short one. */
const CAMPAIGNS = {
  "kills-typescript": {
    run: (options) => workerKills({ ...options, language: "typescript" }),
    times: 2_000,
    short: 20,
  },
  "kills-python": { run: (options) => workerKills({ ...options, language: "python" }), times: 500, short: 5 },
  "stops-typescript": {
    run: (options) => workerStops({ ...options, language: "typescript" }),
    times: 2_000,
    short: 20,
  },
  "stops-python": { run: (options) => workerStops({ ...options, language: "python" }), times: 500, short: 5 },
  "restarts-graceful": { run: (options) => serviceRestarts({ ...options, signal: "SIGTERM" }), times: 100, short: 3 },
  "restarts-hard": { run: (options) => serviceRestarts({ ...options, signal: "SIGKILL" }), times: 100, short: 3 },
  "parent-kills": { run: parentKills, times: 500, short: 20 },
  registry: { run: registryWrites, times: 200, short: 3 },
  options: { run: optionFuzzing, times: 10, short: 1 },
  backpressure: { run: backpressure, times: 100_000, short: 30_000 },
  soak: { run: soak, times: 2_000, short: 20 },
};

const USAGE = `pnpm chaos [options] [campaign ...]
  Without campaigns: all of them, ${Object.keys(CAMPAIGNS).join(", ")}.
  --short    a few times each, about a minute; times are shown and missed by none
  --times N  as often
  --seed N   decides when things happen; default: a new one, which is printed`;

const { values, positionals } = readArguments();
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
console.log(`Seed ${seed}`);
for (const name of positionals.length > 0 ? positionals : Object.keys(CAMPAIGNS)) {
  const { run, times, short } = CAMPAIGNS[name];
  const count = Number(values.times ?? (values.short ? short : times));
  console.log(`\n${name}, ${count} times`);
  const figures = await run({ times: count, random: createSeededRandom(seed) });
  for (const { title, value, most, isTime = false } of figures) {
    const isOver = most !== undefined && !(value <= most) && !(isTime && values.short);
    const limit = most === undefined ? "" : `   at most ${most}${isOver ? "   MISSED" : ""}`;
    console.log(`  ${title.padEnd(64)}${format(value).padStart(12)}${limit}`);
    process.exitCode ||= isOver ? 1 : 0;
  }
}
if (process.exitCode) {
  console.log(`\nRun it again with --seed ${seed}`);
}

function format(value) {
  return Number.isInteger(value) ? value.toLocaleString("en").replaceAll(",", " ") : value.toFixed(1);
}

function readArguments() {
  const options = {
    short: { type: "boolean" },
    help: { type: "boolean" },
    seed: { type: "string" },
    times: { type: "string" },
  };
  try {
    const read = parseArgs({ options, allowPositionals: true });
    const unknown = read.positionals.find((name) => !Object.hasOwn(CAMPAIGNS, name));
    if (unknown !== undefined) {
      throw new Error(`There is no campaign '${unknown}'.`);
    }
    if (!read.values.help) {
      return read;
    }
    console.log(USAGE);
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    process.exit(2);
  }
  process.exit(0);
}
