// `pnpm bench:languages`: a TypeScript parent calling workers in Python, Go and Rust, each compared with a bare echo in
// that language, and with many in flight with `child_process.fork`. With --check a missed target makes the exit code 1. Why so:
// ../README.md.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ParentWorker } from "multifrost";
import { connectBare } from "../bare/client.mjs";
import { encoded } from "../contenders/encoded.mjs";
import { interleave, medianOfRoundTrips, rateOfCalls } from "../measure.mjs";
import { readOptions } from "../options.mjs";
import { printLanguages } from "../report.mjs";
import { circumstances } from "../suite/results.mjs";
import { startFork } from "./fork.mjs";
import { connectTcpEcho } from "./tcp-echo.mjs";

const run = promisify(execFile);

/** The whole run, builds left out, takes about 45 s; one that is still at it after this is broken, in milliseconds. */
const MOST_MS = 120_000;

const REPETITIONS = 7;

/** How long one repetition takes, in milliseconds. */
const REPETITION_MS = 400;

const IN_FLIGHT = 128;

/** With {@link IN_FLIGHT} calls in flight, at least so many times the rate of `fork`. */
const LEAST_OF_FORK = 0.7;

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

/** `connect` starts the bare echo; a median call may take `most` times its round trip. */
const LANGUAGES = [
  {
    name: "Python",
    connect: (bytes) => connectBare(["python3", path("python/echo.py")], bytes),
    bare: "pyzmq echo",
    most: 1.5,
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
    connect: (bytes) => connectTcpEcho([path("go/bin/echo")], bytes),
    bare: "TCP echo",
    most: 1.6,
    worker: { script: path("../../interop/go/bin/worker") },
  },
  {
    name: "Rust",
    builds: [
      { command: ["cargo", "build", "--release", "--quiet"], cwd: path("rust") },
      { command: ["cargo", "build", "--release", "--quiet"], cwd: path("../../interop/rust") },
    ],
    connect: (bytes) => connectTcpEcho([path("rust/target/release/bare-echo")], bytes),
    bare: "TCP echo",
    most: 1.6,
    worker: { script: path("../../interop/rust/target/release/worker") },
  },
];

const names = LANGUAGES.map(({ name }) => name.toLowerCase());
const options = readOptions(
  `pnpm bench:languages [--check] [--json FILE] [--language LANGUAGE]…    LANGUAGE is one of ${names.join(", ")}. Left out: all of them.`,
  { json: { type: "string" }, language: { type: "string", multiple: true } },
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
  rows.push(...(await compare(language)));
}
printLanguages(rows, REPETITIONS);
if (options.json !== undefined) {
  writeFileSync(options.json, JSON.stringify({ ...circumstances(), rows }));
}
process.exitCode = options.check && rows.some(({ missed }) => missed) ? 1 : 0;

/** Two rows: one call after the other, and many in flight. */
async function compare({ name, connect, bare, most, worker: { script, env } }) {
  const worker = ParentWorker.spawn(script, undefined, { env, transport: "zmtp" });
  const echo = await connect(encoded("add", [1, 2], 3));
  const forked = startFork();
  try {
    await worker.start();
    assert.equal(await worker.call.add(1, 2), 3);
    assert.equal(await forked.add(1, 2), 3);
    const add = () => worker.call.add(1, 2);
    const roundTrips = { multifrost: add, bare: echo.roundTrip };
    const times = await interleave(roundTrips, REPETITIONS, REPETITION_MS, medianOfRoundTrips);
    const calls = { multifrost: add, bare: () => forked.add(1, 2) };
    const rates = await interleave(calls, REPETITIONS, REPETITION_MS, (call, ms) => rateOfCalls(call, IN_FLIGHT, ms));
    return [
      {
        title: `${name}, sequential ÷ bare ${bare}`,
        unit: "µs",
        ...times,
        target: `≤ ${most.toFixed(2)}`,
        missed: times.ratio.median > most,
      },
      {
        title: `${name}, ${IN_FLIGHT} in flight ÷ fork`,
        unit: "/s",
        ...rates,
        target: `≥ ${LEAST_OF_FORK.toFixed(2)}`,
        missed: rates.ratio.median < LEAST_OF_FORK,
      },
    ];
  } finally {
    await Promise.all([worker.stop(), echo.close(), forked.close()]);
  }
}
