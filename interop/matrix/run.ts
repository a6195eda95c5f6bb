// `pnpm interop`: builds the peers and runs every parent against every worker, spawned and by name. See README.md.

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { judge, readKnownFailures } from "./known-failures.ts";
import { LANGUAGES, type Language, prepare } from "./languages.ts";
import { casesOf, type Mode, type Result, runPair } from "./pair.ts";
import { contend } from "./registry.ts";
import { printFailures, printGrid } from "./report.ts";

const MODES: readonly Mode[] = ["spawn", "connect"];

const USAGE = `pnpm interop [--parent LANGUAGE]… [--child LANGUAGE]… [--mode spawn|connect]… [--transport zmtp|zeromq]
LANGUAGE is one of ${LANGUAGES.join(", ")}. Left out: all of them, both modes, zmtp.
The transport is that of TypeScript and Python; Go and Rust have one.`;

const asked = readOptions();
if (asked.help) {
  console.log(USAGE);
} else {
  process.exitCode = (await main()) ? 0 : 1;
}

function readOptions() {
  const several = { type: "string", multiple: true } as const;
  try {
    const { values } = parseArgs({
      options: {
        parent: { ...several, default: [...LANGUAGES] },
        child: { ...several, default: [...LANGUAGES] },
        mode: { ...several, default: [...MODES] },
        transport: { type: "string", default: "zmtp" },
        help: { type: "boolean", default: false },
      },
    });
    return values;
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

async function main(): Promise<boolean> {
  const [transport = "zmtp"] = chosen("transport", [asked.transport], ["zmtp", "zeromq"]);
  // For every process of the matrix.
  process.env.MULTIFROST_TRANSPORT = transport;
  const modes = chosen("mode", asked.mode, MODES);
  const [parents, children] = [chosen("parent", asked.parent, LANGUAGES), chosen("child", asked.child, LANGUAGES)];
  const there = await prepareAll(
    LANGUAGES.filter((language) => parents.includes(language) || children.includes(language)),
  );
  const complete = there.length === new Set([...parents, ...children]).size;
  const pairs = modes.flatMap((mode) =>
    parents.flatMap((parent) => children.map((child) => ({ parent, child, mode }))),
  );
  const results = await runAll(pairs.filter(({ parent, child }) => there.includes(parent) && there.includes(child)));
  const contention = await contend(there);
  const { failed, expected, stale } = judge(results, readKnownFailures());

  for (const mode of modes) {
    printGrid(
      mode,
      results.filter((result) => result.mode === mode),
      parents,
      children,
    );
  }
  printFailures(failed, expected, stale);
  console.log(`\nregistry, ${there.join(" + ")} at once: ${contention ?? "ok"}`);
  if (!complete) {
    console.log(process.env.CI ? "Languages were skipped, which fails the run in CI." : "Languages were skipped.");
  }
  const ok = results.filter(({ failure }) => failure === undefined).length + (contention === undefined ? 1 : 0);
  const bad = failed.length + stale.length + (contention === undefined ? 0 : 1);
  console.log(`\n${ok} passed, ${bad} failed`);
  return bad === 0 && (complete || !process.env.CI);
}

/** Builds the languages whose toolchain is installed, and reports the missing ones. */
async function prepareAll(languages: readonly Language[]): Promise<Language[]> {
  const there: Language[] = [];
  for (const language of languages) {
    const missing = await prepare(language);
    if (missing === undefined) {
      there.push(language);
    } else {
      console.log(`Skipped, as parent and as worker: ${language}. Not found: ${missing}.`);
    }
  }
  return there;
}

/** Runs as many pairs at a time as there are processors. */
async function runAll(pairs: readonly { parent: Language; child: Language; mode: Mode }[]): Promise<Result[]> {
  const results: Result[][] = [];
  const waiting = [...pairs.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, pair] = next;
      const result = await runPair(pair);
      const failures = result.filter(({ failure }) => failure !== undefined).length;
      console.log(
        `${pair.mode}: ${pair.parent} → ${pair.child}: ${casesOf(pair.mode).length - failures} of ${casesOf(pair.mode).length}`,
      );
      results[index] = result;
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), pairs.length) }, work));
  return results.flat();
}

function chosen<T extends string>(option: string, given: readonly string[], all: readonly T[]): T[] {
  const unknown = given.filter((one) => !(all as readonly string[]).includes(one));
  if (unknown.length > 0) {
    console.error(`--${option} ${unknown.join(", ")}: it must be one of ${all.join(", ")}.`);
    process.exit(2);
  }
  return all.filter((one) => given.includes(one));
}
