// `pnpm chaos`: kills, stops and restarts what Multifrost talks to, and counts what must not happen. README.md says what each
// campaign does.

import { parseArgs } from "node:util";
import { createSeededRandom } from "@multifrost/testing";
import { backpressure } from "./campaigns/backpressure.mjs";
import { hostileFrames } from "./campaigns/hostile-frames.mjs";
import { optionFuzzing } from "./campaigns/options.mjs";
import { parentKills } from "./campaigns/parent-kills.mjs";
import { registryWrites } from "./campaigns/registry-writes.mjs";
import { serviceRestarts } from "./campaigns/service-restarts.mjs";
import { soak } from "./campaigns/soak.mjs";
import { workerKills } from "./campaigns/worker-kills.mjs";
import { workerStops } from "./campaigns/worker-stops.mjs";

/** By name: what it does, what runs, how often in the long run, and how often in the short one. */
const CAMPAIGNS = {
  "kills-typescript": {
    about: "SIGKILL to a TypeScript worker under 64 callers",
    run: (options) => workerKills({ ...options, language: "typescript" }),
    times: 2_000,
    short: 20,
  },
  "kills-python": {
    about: "the same with a Python worker",
    run: (options) => workerKills({ ...options, language: "python" }),
    times: 500,
    short: 5,
  },
  "stops-typescript": {
    about: "SIGSTOP and SIGCONT to a TypeScript worker under 64 callers",
    run: (options) => workerStops({ ...options, language: "typescript" }),
    times: 2_000,
    short: 20,
  },
  "stops-python": {
    about: "the same with a Python worker",
    run: (options) => workerStops({ ...options, language: "python" }),
    times: 500,
    short: 5,
  },
  "restarts-graceful": {
    about: "a service is restarted by SIGTERM under 10 parents",
    run: (options) => serviceRestarts({ ...options, signal: "SIGTERM" }),
    times: 100,
    short: 3,
  },
  "restarts-hard": {
    about: "the same by SIGKILL",
    run: (options) => serviceRestarts({ ...options, signal: "SIGKILL" }),
    times: 100,
    short: 3,
  },
  "parent-kills": { about: "a parent is killed at any moment", run: parentKills, times: 500, short: 20 },
  registry: {
    about: "16 processes register and are killed under each lock; times: rounds of each",
    run: registryWrites,
    times: 200,
    short: 3,
  },
  options: { about: "every option gets every wrong value", run: optionFuzzing, times: 10, short: 1 },
  frames: {
    about: "hostile frames to child and parent over each transport; times: frames to each",
    run: hostileFrames,
    times: 1_000_000,
    short: 3_000,
  },
  backpressure: {
    about: "as many calls of 10 kB as can be made; times: calls",
    run: backpressure,
    times: 100_000,
    short: 30_000,
  },
  soak: { about: "1,000 calls and a restart; nothing may grow", run: soak, times: 2_000, short: 20 },
};

const USAGE = `pnpm chaos [options] [campaign ...]

Without campaigns: all of them.
${Object.entries(CAMPAIGNS)
  .map(([name, { about, times, short }]) => `  ${name.padEnd(18)} ${about} (${times} times, in short ${short})`)
  .join("\n")}

Options:
  --short    a few times each, about two minutes; times and slopes are shown and missed by none
  --times N  as often
  --seed N   decides when and what happens; default: a new one, which is printed

The exit code is 1 if a limit was missed, 2 for wrong arguments.`;

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
    for (const [name, least] of [
      ["times", 1],
      ["seed", 0],
    ]) {
      const given = read.values[name];
      if (given !== undefined && !(Number.isSafeInteger(Number(given)) && Number(given) >= least)) {
        throw new Error(`--${name} must be a whole number of at least ${least}, not '${given}'.`);
      }
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
