// Runs parents among strangers: their calls, the heartbeats and the death of the worker must be as without.
//
//   node interop/besiege.mjs [--short] [LANGUAGE...]
//
// With `--short`, the strangers of every kind come together.
//
// Prints for each parent, worker and kind of stranger whether every case passed, how many calls strangers got (0), and how much longer
// the first result and noticing the worker's death took than without strangers. Needs the programs of the matrix: `pnpm interop`
// builds them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const TSX = [process.execPath, "--import", import.meta.resolve("tsx")];
const PARENTS = {
  typescript: [...TSX, path("./typescript/parent.ts")],
  python: ["python3", path("./python/parent.py")],
  go: [path("./go/bin/parent")],
  rust: [path("./rust/target/debug/parent")],
};
/** It starts in milliseconds, so that delays can be seen. */
const WORKER = [path("./go/bin/worker")];
const KINDS = [
  ...["text", "http", "tls", "zmtp1", "half-greeting", "idle", "dealer", "router", "wrong-token", "heartbeats"],
  ...["guesser", "echo", "forger", "large", "frames"],
];
const isShort = process.argv.includes("--short");
const SIEGES = [
  ...(isShort ? ["all"] : KINDS).map((kind) => ["before", kind, "--both"]),
  ["while", "all", "--both,--again"],
  ["after", "all", "--both,--again"],
];

/** What the worker knows: everything, or the port alone, as workers of older versions do. */
const WORKERS = ["all", "port"];

const chosen = process.argv.slice(2).filter((argument) => argument !== "--short");
const languages = chosen.length > 0 ? chosen : Object.keys(PARENTS);
for (const [language, knows] of languages.flatMap((each) => WORKERS.map((knows) => [each, knows]))) {
  const usual = [];
  for (let count = 0; count < 3; count++) {
    usual.push(await run(language, knows, ["never", "", ""]));
  }
  const first = spread(usual.map(({ firstMs }) => firstMs));
  const death = spread(usual.map(({ deathMs }) => deathMs));
  console.log(
    `${language}, a worker that knows ${knows === "port" ? "the port alone" : "everything"}, without strangers: ` +
      `the first result after ${first.text} ms, its death noticed after ${death.text} ms`,
  );
  for (const siege of SIEGES) {
    const { failures, firstMs, deathMs, seen } = await run(language, knows, siege);
    const delays = [firstMs - first.median, deathMs - death.median].map((ms) => `${ms}`.padStart(5));
    console.log(
      `  ${siege.slice(0, 2).join(" ").padEnd(24)} ${failures.length === 0 ? "ok" : `FAILED: ${failures.join("; ")}`}` +
        `  calls ${seen.calls}  connections ${`${seen.connections}`.padStart(5)}  start ${delays[0]} ms  death ${delays[1]} ms`,
    );
    process.exitCode ||= failures.length > 0 || seen.calls > 0 ? 1 : 0;
  }
}

function spread(figures) {
  const [least = 0, median = 0, most = 0] = figures.toSorted((a, b) => a - b);
  return { median, text: `${median} (${least} to ${most})` };
}

async function run(language, knows, [when, kind, options]) {
  const home = mkdtempSync(join(tmpdir(), "multifrost-"));
  const failures = [];
  let firstMs = 0;
  let deathMs = 0;
  const seen = { calls: 0, connections: 0 };
  try {
    for (const [index, cases] of [["results", "concurrent", "busy-heartbeats"], ["child-crash"]].entries()) {
      const log = join(home, `log-${index}`);
      writeFileSync(log, "");
      const said = (pattern) => pattern.exec(readFileSync(log, "utf8"))?.[1];
      const waits = when === "before" || when === "while" ? "yes" : "no";
      const worker = [process.execPath, path("./besieged-worker.mjs"), log, waits, knows, ...WORKER];
      const [program, ...args] = PARENTS[language];
      const parent = spawn(program, [...args, JSON.stringify({ mode: "spawn", worker, cases })], {
        env: { ...process.env, HOME: home },
        stdio: ["ignore", "pipe", "ignore"],
      });
      const closed = once(parent, "close");
      const strangers =
        when === "never"
          ? undefined
          : come(() => (when !== "after" || firstMs > 0) && said(/^given (.*)\n/m), log, kind, options);
      const passed = new Set();
      for await (const line of createInterface({ input: parent.stdout })) {
        const { case: name, ok, detail } = line.startsWith("{") ? JSON.parse(line) : {};
        firstMs ||= Date.now() - Number(said(/^started (\d+)$/m));
        if (name === "child-crash") {
          deathMs = Date.now() - Number(said(/^ended (\d+)$/m));
        }
        if (ok === true) {
          passed.add(name);
        } else if (name !== undefined) {
          failures.push(`${name}: ${detail}`);
        }
      }
      await closed;
      failures.push(...cases.filter((name) => !passed.has(name) && !failures.some((each) => each.startsWith(name))));
      const { calls = 0, connections = 0 } = (await (await strangers)?.()) ?? {};
      seen.calls += calls;
      seen.connections += connections;
    }
    return { failures, firstMs, deathMs, seen };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Starts strangers once there are endpoints. Resolves with what ends them. */
async function come(endpoints, log, kind, options) {
  while (!endpoints()) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const args = [path("./strangers.mjs"), endpoints(), kind, ...options.split(",")];
  const strangers = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "ignore"] });
  let output = "";
  strangers.stdout.on("data", (text) => {
    output += text;
    appendFileSync(log, text);
  });
  const closed = once(strangers, "close");
  return async () => {
    strangers.stdin.end();
    await closed;
    return JSON.parse(output.trim().split("\n").at(-1));
  };
}
