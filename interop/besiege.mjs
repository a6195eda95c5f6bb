// Runs parents among strangers: their calls, the heartbeats and the death of the worker must be as without.
//
//   node interop/besiege.mjs [--short] [LANGUAGE...]
//
// With `--short`, the strangers of every kind come together.
//
// Prints for each parent and kind of stranger whether every case passed, how many calls strangers got (0), and how much longer the
// first result took than without strangers. Needs the programs of the matrix: `pnpm interop` builds them.

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
const WORKER = [...TSX, path("./typescript/worker.ts")];
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

const chosen = process.argv.slice(2).filter((argument) => argument !== "--short");
for (const language of chosen.length > 0 ? chosen : Object.keys(PARENTS)) {
  const usual = [];
  for (let count = 0; count < 3; count++) {
    usual.push((await run(language, ["never", "", ""])).firstMs);
  }
  usual.sort((a, b) => a - b);
  const [, median = 0] = usual;
  console.log(`${language}: the first result after ${median} ms without strangers (${usual[0]} to ${usual[2]})`);
  for (const siege of SIEGES) {
    const { failures, firstMs, seen } = await run(language, siege);
    const delay = `${firstMs - median}`.padStart(5);
    console.log(
      `  ${siege.slice(0, 2).join(" ").padEnd(24)} ${failures.length === 0 ? "ok" : `FAILED: ${failures.join("; ")}`}` +
        `  calls ${seen.calls}  connections ${`${seen.connections}`.padStart(5)}  delay ${delay} ms`,
    );
    process.exitCode ||= failures.length > 0 || seen.calls > 0 ? 1 : 0;
  }
}

async function run(language, [when, kind, options]) {
  const home = mkdtempSync(join(tmpdir(), "multifrost-"));
  const failures = [];
  let firstMs = 0;
  const seen = { calls: 0, connections: 0 };
  try {
    for (const [index, cases] of [["results", "concurrent", "busy-heartbeats"], ["child-crash"]].entries()) {
      const log = join(home, `log-${index}`);
      writeFileSync(log, "");
      const said = (pattern) => pattern.exec(readFileSync(log, "utf8"))?.[1];
      const waits = when === "before" || when === "while" ? "yes" : "no";
      const worker = [process.execPath, path("./besieged-worker.mjs"), log, waits, ...WORKER];
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
    return { failures, firstMs, seen };
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
