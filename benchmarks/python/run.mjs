// `pnpm bench:python`: Python workers called from Node, and what else people use for it, in one run. How: ../README.md.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { contenders, findContender } from "../contenders/list.mjs";
import { checkTargets } from "../suite/check.mjs";
import { printCase, printTargets } from "../suite/report.mjs";
import { circumstances, summary } from "../suite/results.mjs";
import { runCases } from "../suite/run-cases.mjs";

const CASES = ["sequential", "in-flight-128", "start"];
const inPython = contenders.filter(({ python }) => python).map(({ id }) => id);

const USAGE = `pnpm bench:python [options]
  --check          exit with 1 where a ratio is outside its band
  --only A,B       only these: ${inPython.join(", ")}
  --case A,B       only these: ${CASES.join(", ")}
  --repetitions N  default: 9
  --ms N           length of a repetition in milliseconds, default: 150
  --json FILE      also writes the figures to a file`;

const text = { type: "string" };
const flag = { type: "boolean", default: false };
const { values: options } = parseArgs({
  options: { check: flag, help: flag, only: text, case: text, repetitions: text, ms: text, json: text },
});
if (options.help) {
  console.log(USAGE);
} else {
  await run();
}

async function run() {
  const chosen = options.only?.split(",").map((id) => findContender(id).id) ?? inPython;
  const plan = (options.case?.split(",") ?? CASES).map((id) => ({
    case: id,
    contenders: chosen,
    repetitions: Number(options.repetitions ?? 9),
    ms: Number(options.ms ?? 150),
  }));
  const results = await runCases(plan, printCase);
  const targets = checkTargets([results]);
  printTargets(targets);
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ ...circumstances(), targets, cases: summary(results) })}\n`);
  }
  process.exitCode = options.check && targets.some(({ verdict }) => verdict === "OUT OF BAND") ? 1 : 0;
}
