// Attacks a real service, and prints its memory before, during and after each attack, and how long another parent's calls took
// meanwhile:
//
//   node interop/attack-service.mjs typescript|python|rust [PART-OF-A-NAME]
//
// Needs built packages, Linux for the memory, `python3` with the Python package for Python, and for Rust
// `cargo build --release` in interop/rust.

import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ParentWorker } from "../packages/multifrost/dist/index.js";
import { createFileRegistry } from "../packages/registry/dist/index.js";
import { attacks } from "./attacks.mjs";

const SERVICES = {
  typescript: [process.execPath, fileURLToPath(new URL("./attacked/service.mjs", import.meta.url))],
  python: ["python3", fileURLToPath(new URL("./attacked/service.py", import.meta.url))],
  rust: [fileURLToPath(new URL("./rust/target/release/attacked", import.meta.url))],
};

/** How long an attack may take to be sent, and how long memory is looked at after it, in milliseconds. */
const MOST_MS = 40_000;
const AFTER_MS = 1500;

const [, , language = "", part = ""] = process.argv;
const service = SERVICES[language];
if (process.send !== undefined) {
  await attack(process.env.ATTACK, Number(process.env.PORT));
} else if (service === undefined) {
  console.error(`node interop/attack-service.mjs ${Object.keys(SERVICES).join("|")} [PART-OF-A-NAME]`);
  process.exitCode = 2;
} else {
  console.log(`${"attack".padEnd(54)}memory in MiB: before, most, after    calls  p50 ms  max ms  refused`);
  for (const name of Object.keys(attacks).filter((each) => each.includes(part))) {
    await besiege(name);
  }
}

/** The other process: attacks until it is told to end. */
async function attack(name, port) {
  const attackers = await attacks[name](port, false);
  process.send("sent");
  await once(process, "message");
  for (const attacker of attackers) {
    attacker.end();
  }
  process.disconnect();
}

async function besiege(name) {
  const home = mkdtempSync(join(tmpdir(), "multifrost-"));
  const [program, ...args] = service;
  const child = spawn(program, [...args, "attacked"], { env: { ...process.env, HOME: home }, stdio: "ignore" });
  const registry = createFileRegistry({ directory: join(home, ".multifrost") });
  const worker = await ParentWorker.connect("attacked", { registry, timeout: 15_000, logger: false });
  worker.on("stdout", () => {}).on("stderr", () => {});
  try {
    await worker.start();
    for (let count = 0; count < 200; count++) {
      await worker.call.add(1, 2);
    }
    const before = memory(child.pid, "VmRSS");
    const { port } = await registry.discover("attacked");
    const attacker = fork(fileURLToPath(import.meta.url), [], {
      env: { ...process.env, ATTACK: name, PORT: `${port}` },
    });
    const sent = Promise.race([once(attacker, "message"), after(MOST_MS)]).then(() => after(300));
    const { times, refused } = await callUntil(worker, sent);
    const most = memory(child.pid, "VmHWM");
    attacker.send("end");
    await Promise.race([once(attacker, "exit"), after(5000)]);
    attacker.kill("SIGKILL");
    await after(AFTER_MS);
    await worker.call.add(1, 2);
    const figures = [before, most, memory(child.pid, "VmRSS")].map((figure) => `${figure}`.padStart(8)).join("");
    times.sort((a, b) => a - b);
    const [p50 = 0, max = 0] = [times[Math.floor(times.length / 2)], times.at(-1)];
    console.log(
      `${name.padEnd(56)}${figures}${`${times.length}`.padStart(17)}${p50.toFixed(1).padStart(8)}${max.toFixed(0).padStart(8)}${`${refused}`.padStart(9)}`,
    );
  } finally {
    await worker.stop();
    child.kill("SIGKILL");
    await once(child, "exit");
    rmSync(home, { recursive: true, force: true });
  }
}

/** One call after the other until `end`. Returns how long each took, in milliseconds, and how many were refused. */
async function callUntil(worker, end) {
  let isOver = false;
  void end.then(() => {
    isOver = true;
  });
  const times = [];
  let refused = 0;
  while (!isOver) {
    const from = performance.now();
    try {
      await worker.withOptions({ timeout: 30_000 }).add(1, 2);
      times.push(performance.now() - from);
    } catch {
      refused += 1;
    }
    await after(1);
  }
  return { times, refused };
}

/** In MiB. */
function memory(pid, name) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
}

function after(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
