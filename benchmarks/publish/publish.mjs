// `node benchmarks/publish/publish.mjs`: writes the charts, and the figures in docs/performance.md and the README, from
// benchmarks/results. With --check it writes nothing, and exits with 1 where a file differs. `pnpm bench --full` does this too.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { number } from "../suite/report.mjs";
import { readResults } from "../suite/results.mjs";
import { charts } from "./charts.mjs";
import { THEMES } from "./svg.mjs";
import { blocks, languageBlocks, pythonBlocks } from "./tables.mjs";

const ROOT = new URL("../../", import.meta.url);

/** Writes every file that is made from the results, or returns the names of those that differ. */
export function publish({ check = false } = {}) {
  const files = Object.entries(made(readResults()));
  const differing = files.filter(([name, contents]) => read(name) !== contents);
  if (!check) {
    for (const [name, contents] of differing) {
      writeFileSync(new URL(name, ROOT), contents);
    }
  }
  return differing.map(([name]) => name);
}

function made({ typescript, python, languages }) {
  const pictures = Object.entries(charts(typescript)).flatMap(([name, draw]) =>
    Object.entries(THEMES).map(([theme, colours]) => [`docs/images/${name}-${theme}.svg`, draw(colours)]),
  );
  return {
    ...Object.fromEntries(pictures),
    "docs/performance.md": filled("docs/performance.md", {
      ...blocks(typescript),
      ...(python && pythonBlocks(python)),
      ...(languages && languageBlocks(languages)),
    }),
    "README.md": filled("README.md", { figures: figures(typescript) }),
  };
}

/** The three figures of the README. */
function figures({ cases, machine }) {
  const of = (id, contender, key = "value") => {
    const row = cases[id].rows.find((found) => found.id === contender);
    return number(key === "value" ? row.value.median : row[key]);
  };
  const k = (id, contender) =>
    `${Math.round(cases[id].rows.find((row) => row.id === contender).value.median / 1000)} 000`;
  return [
    `On ${machine.cores} shared cores with Node ${machine.node.slice(1)}, in one run:`,
    "",
    `- **${of("sequential", "multifrost", "p50")} µs** for one \`add(1, 2)\` in another process; \`fork\` with JSON ${of("sequential", "fork-json", "p50")}, a worker thread ${of("sequential", "worker-threads", "p50")}, grpc-js ${of("sequential", "grpc-js", "p50")}.`,
    `- **${k("in-flight-128", "multifrost")} calls per second** with 128 in flight; \`fork\` with JSON ${k("in-flight-128", "fork-json")}, piscina ${k("in-flight-128", "piscina")}, grpc-js ${k("in-flight-128", "grpc-js")}.`,
    `- **${of("start", "multifrost")} ms** from spawning the worker to its first answer; a script with nothing but a socket ${of("start", "bare-tcp")}.`,
  ].join("\n");
}

/** A document with its marked blocks replaced: `<!-- begin: NAME -->` … `<!-- end: NAME -->`. */
function filled(name, contents) {
  return Object.entries(contents).reduce((text, [block, markdown]) => {
    const [begin, end] = [`<!-- begin: ${block} -->`, `<!-- end: ${block} -->`];
    const parts = text.split(begin);
    const rest = parts[1]?.split(end);
    if (parts.length !== 2 || rest.length !== 2) {
      throw new Error(`${name} needs one ${begin} and one ${end} after it.`);
    }
    return `${parts[0]}${begin}\n\n${markdown}\n\n${end}${rest[1]}`;
  }, read(name) ?? "");
}

function read(name) {
  try {
    return readFileSync(new URL(name, ROOT), "utf8");
  } catch (error) {
    if (error.code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const check = process.argv.includes("--check");
  const differing = publish({ check });
  console.log(
    differing.length === 0
      ? "Charts and tables are those of benchmarks/results."
      : `${check ? "Differ" : "Written"}: ${differing.join(", ")}`,
  );
  process.exitCode = check && differing.length > 0 ? 1 : 0;
}
