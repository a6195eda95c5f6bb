// `pnpm bench`: calls through Multifrost and by other means, in one run. What is measured, and how: README.md.

import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { contenders, findContender } from "./contenders/list.mjs";
import { publish } from "./publish/publish.mjs";
import { cases } from "./suite/cases.mjs";
import { checkParents, checkTargets } from "./suite/check.mjs";
import { chosen, FULL, PARTS, SHORT } from "./suite/plans.mjs";
import { printCase, printTargets } from "./suite/report.mjs";
import { circumstances, readResults, summary, writeResults } from "./suite/results.mjs";
import { runCases } from "./suite/run-cases.mjs";

const USAGE = `pnpm bench [options]
  Without options: the ratios that CI checks, about a minute.
  --check          exit with 1 where one is outside its band
  --full           everything; writes benchmarks/results, docs/performance.md and the charts; about 10 minutes
  --case A,B       only these: ${Object.keys(cases).join(", ")}
  --with A,B       only these: ${contenders.map(({ id }) => id).join(", ")}
  --repetitions N  of every case; default: 21 and fewer
  --ms N           length of a repetition in milliseconds, default: 120, with --full 250`;

const text = { type: "string" };
const flag = { type: "boolean", default: false };
const { values: options } = parseArgs({
  options: { check: flag, full: flag, help: flag, case: text, with: text, repetitions: text, ms: text },
});
if (options.help) {
  console.log(USAGE);
} else if (options.full) {
  await runAll();
} else {
  await runSome();
}

/** The short form, or what the options choose. */
async function runSome() {
  const everything = options.case === undefined && options.with === undefined;
  const participants = options.with?.split(",").map((id) => findContender(id).id);
  const plan = everything ? SHORT : chosen(options.case?.split(","), participants);
  const rows = checkTargets([await runCases(adjusted(plan), printCase)]);
  if (rows.length > 0) {
    printTargets(rows);
  }
  process.exitCode = options.check && rows.some(({ verdict }) => verdict === "OUT OF BAND") ? 1 : 0;
}

async function runAll() {
  const pairs = await runCases(adjusted(SHORT), printCase);
  const parts = await runCases(adjusted(PARTS), printCase);
  const all = await runCases(adjusted(FULL), printCase);
  const script = fileURLToPath(new URL("suite/many-parents.mjs", import.meta.url));
  const parents = JSON.parse(execFileSync(process.execPath, [script], { encoding: "utf8" }));
  const targets = [...checkTargets([pairs, parts, all]), ...checkParents(parents)];
  printTargets(targets);
  writeResults("typescript", { ...circumstances(), targets, cases: summary(all), parents });
  runOthers();
  publish();
}

/**
 * Workers in other languages, by the benchmarks of those, where this machine can run what they compare with. Where it cannot, the
 * figures of the last run stay.
 */
function runOthers() {
  const suites = [
    {
      name: "python",
      needs: ["python3", "-c", "import grpc, msgpack, zmq"],
      hint: "pip install -r benchmarks/python/requirements.txt",
    },
    {
      name: "languages",
      needs: ["go", "version"],
      args: ["--language", "go", "--language", "rust"],
      hint: "Go and Rust",
    },
  ];
  for (const {
    name,
    needs: [program, ...test],
    args = [],
    hint,
  } of suites) {
    const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
    if (spawnSync(program, test).status !== 0) {
      console.error(`Left out: ${name}. It needs ${hint}.`);
      continue;
    }
    execFileSync(process.execPath, [path(`${name}/run.mjs`), ...args, "--json", path(`results/${name}.json`)], {
      stdio: "inherit",
    });
    writeResults(name, readResults()[name]);
  }
}

/** A plan with the repetitions that the options ask for. */
function adjusted(plan) {
  return plan.map((step) => ({
    ...step,
    repetitions: Number(options.repetitions ?? step.repetitions),
    ms: Number(options.ms ?? step.ms),
  }));
}
