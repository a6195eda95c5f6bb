// `pnpm bench:import-time --against REF`: what an import costs here and at another commit. How: ../README.md.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildAt, root } from "../checkout.mjs";
import { spread } from "../measure.mjs";
import { readOptions } from "../options.mjs";

/** The subpaths of `multifrost` that are compared. */
const SUBPATHS = ["./child", "./parent", "."];

/** The most that importing `multifrost/child` may cost, as a share of what it cost at commit 9dffa40. */
const TARGET = 0.45;

const options = readOptions("pnpm bench:import-time [--against REF] [--runs NUMBER] [--check]", {
  against: { type: "string", default: "9dffa40" },
  runs: { type: "string", default: "21" },
});

const other = buildAt(options.against);
const runs = Number(options.runs);
console.log(`${runs} processes each, in turn; median (least – most). Node ${process.version}, ${process.platform}.\n`);
const bare = [];
const ratios = SUBPATHS.map(compare);
console.log(`\nA process that imports nothing takes ${amount(spread(bare.map(({ process }) => process)))}.`);
const missed = ratios[0] > TARGET;
console.log(
  `multifrost/child: ${ratios[0].toFixed(2)} of ${options.against}, at most ${TARGET}: ${missed ? "MISS" : "pass"}`,
);
process.exitCode = options.check && missed ? 1 : 0;

/** Measures one subpath in both checkouts and prints a line for each; returns the ratio of the medians. */
function compare(subpath) {
  const before = [];
  const here = [];
  for (let run = 0; run < runs; run += 1) {
    before.push(importOnce(fileOf(other, subpath)));
    here.push(importOnce(fileOf(root, subpath)));
    bare.push(importOnce("node:module"));
  }
  console.log(`multifrost${subpath.slice(1)}`);
  print(options.against, before);
  print("here", here);
  const ratio = medianOf(here, "import") / medianOf(before, "import");
  const cpuRatio = medianOf(here, "cpu") / medianOf(before, "cpu");
  console.log(`  ratio of the medians: import ${ratio.toFixed(2)}, its processor time ${cpuRatio.toFixed(2)}`);
  return ratio;
}

/** How long `import()` takes in a fresh process, on the clock and on the processor, and the whole process; in milliseconds. */
function importOnce(specifier) {
  const code = `const [begin, used] = [performance.now(), process.cpuUsage()];
    await import(${JSON.stringify(specifier)});
    const [millis, { user, system }] = [performance.now() - begin, process.cpuUsage(used)];
    process.stdout.write(JSON.stringify({ import: millis, cpu: (user + system) / 1000 }));`;
  const begin = performance.now();
  const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", code], { encoding: "utf8" });
  return { ...JSON.parse(printed), process: performance.now() - begin };
}

function fileOf(checkout, subpath) {
  const folder = join(checkout, "packages", "multifrost");
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return pathToFileURL(join(folder, exports[subpath].default)).href;
}

function medianOf(measured, key) {
  return spread(measured.map((each) => each[key])).median;
}

function print(title, measured) {
  const [clock, cpu, whole] = ["import", "cpu", "process"].map((key) =>
    amount(spread(measured.map((each) => each[key]))),
  );
  console.log(`  ${title.padEnd(10)} import ${clock}, its processor time ${cpu}, whole process ${whole}`);
}

function amount({ median, min, max }) {
  return `${median.toFixed(1)} ms (${min.toFixed(1)} – ${max.toFixed(1)})`;
}
