// `pnpm bench:languages`: a TypeScript parent calling workers in Python, Go and Rust, each against a bare echo on that
// language's own ZeroMQ library. With --check a missed target makes the exit code 1. Why so: ../README.md.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ParentWorker } from "multifrost";
import { connectBare } from "../bare/client.mjs";
import { encoded } from "../contenders.mjs";
import { interleave, medianOfRoundTrips } from "../measure.mjs";
import { readOptions } from "../options.mjs";
import { printLanguages } from "../report.mjs";

const run = promisify(execFile);

/** The whole run, builds left out, takes about 20 s; one that is still at it after this is broken, in milliseconds. */
const MOST_MS = 120_000;

const REPETITIONS = 7;

/** A median call may take so many times the bare round trip. */
const TARGET = 1.5;

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

const LANGUAGES = [
  {
    name: "Python",
    bare: ["python3", path("python/echo.py")],
    worker: {
      script: path("../../peers/python/examples/math_worker.py"),
      env: { PYTHONPATH: path("../../peers/python") },
    },
  },
  {
    name: "Go",
    builds: [
      { command: ["go", "build", "-o", "bin/echo", "."], cwd: path("go") },
      { command: ["go", "build", "-o", "bin/", "./cmd/..."], cwd: path("../../interop/go") },
    ],
    bare: [path("go/bin/echo")],
    worker: { script: path("../../interop/go/bin/worker") },
  },
  {
    name: "Rust",
    builds: [
      { command: ["cargo", "build", "--release", "--quiet"], cwd: path("rust") },
      { command: ["cargo", "build", "--release", "--quiet"], cwd: path("../../interop/rust") },
    ],
    bare: [path("rust/target/release/bare-echo")],
    worker: { script: path("../../interop/rust/target/release/worker") },
  },
];

const names = LANGUAGES.map(({ name }) => name.toLowerCase());
const options = readOptions(
  `pnpm bench:languages [--check] [--language LANGUAGE]…    LANGUAGE is one of ${names.join(", ")}. Left out: all of them.`,
  { language: { type: "string", multiple: true } },
);
const unknown = (options.language ?? []).filter((language) => !names.includes(language));
if (unknown.length > 0) {
  console.error(`--language ${unknown.join(", ")}: it has to be one of ${names.join(", ")}.`);
  process.exit(2);
}
const chosen = LANGUAGES.filter(({ name }) => options.language?.includes(name.toLowerCase()) ?? true);
for (const { command, cwd } of chosen.flatMap(({ builds = [] }) => builds)) {
  await run(command[0], command.slice(1), { cwd });
}

setTimeout(() => {
  console.error(`The benchmark is not done after ${MOST_MS / 1000} s and is given up.`);
  process.exit(1);
}, MOST_MS).unref();

const rows = [];
for (const language of chosen) {
  const { ratio, ...both } = await compare(language);
  rows.push({ title: language.name, ...both, ratio, target: `≤ ${TARGET.toFixed(2)}`, missed: ratio.median > TARGET });
}
printLanguages(rows, REPETITIONS);
process.exitCode = options.check && rows.some(({ missed }) => missed) ? 1 : 0;

async function compare({ bare, worker: { script, env } }) {
  const worker = ParentWorker.spawn(script, undefined, { env });
  const echo = await connectBare(bare, encoded("add", [1, 2], 3));
  try {
    await worker.start();
    assert.equal(await worker.call.add(1, 2), 3);
    const roundTrips = { multifrost: () => worker.call.add(1, 2), bare: echo.roundTrip };
    return await interleave(roundTrips, REPETITIONS, 400, medianOfRoundTrips);
  } finally {
    await Promise.all([worker.stop(), echo.close()]);
  }
}
