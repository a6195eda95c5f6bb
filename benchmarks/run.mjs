// `pnpm bench`: calls through Multifrost and by other means, in one run. What is measured, and how: README.md.

import { parseArgs } from "node:util";
import { contenders, findContender } from "./contenders/list.mjs";
import { cases } from "./suite/cases.mjs";
import { checkTargets } from "./suite/check.mjs";
import { printCase, printTargets } from "./suite/report.mjs";
import { runCases } from "./suite/run-cases.mjs";

const USAGE = `pnpm bench [options]
  Without options: the short form, about 45 seconds.
  --check             exit with 1 where a ratio is outside its band
  --full              every contender and case, about 10 minutes
  --case A,B          only these: ${Object.keys(cases).join(", ")}
  --with A,B          only these: ${contenders.map(({ id }) => id).join(", ")}
  --repetitions N     default: 21, with --full 9
  --ms N              length of a repetition in milliseconds, default: 120, with --full 250`;

/** The short form. */
const SHORT = {
  "in-flight-128": ["multifrost", "fork-json", "multifrost-zeromq", "bare-zeromq"],
  sequential: ["multifrost", "fork-json", "multifrost-zeromq", "bare-zeromq"],
  "echo-1-mib": ["multifrost", "bare-zeromq", "multifrost-zeromq"],
  start: ["multifrost", "bare-tcp"],
};

const options = readOptions();
const results = await runCases(makePlan(), printCase);
const rows = checkTargets(results);
if (rows.length > 0) {
  printTargets(rows);
}
process.exitCode = options.check && rows.some((row) => row.verdict === "OUT OF BAND") ? 1 : 0;

function readOptions() {
  const text = { type: "string" };
  const flag = { type: "boolean", default: false };
  const { values } = parseArgs({
    options: { check: flag, full: flag, help: flag, case: text, with: text, repetitions: text, ms: text },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit();
  }
  return values;
}

function makePlan() {
  const chosen = options.with?.split(",").map((id) => findContender(id).id);
  const everyone = contenders.map(({ id }) => id);
  const every = options.full || options.case !== undefined || chosen !== undefined;
  const ids = options.case?.split(",") ?? Object.keys(every ? cases : SHORT);
  return ids.map((id) => ({
    case: id,
    contenders: chosen ?? (every ? everyone : SHORT[id]),
    repetitions: Number(options.repetitions ?? (options.full ? 9 : 21)),
    ms: Number(options.ms ?? (options.full ? 250 : 120)),
  }));
}
