// 16 processes register, find and unregister services, and are killed while they hold the locks of the registry: no entry is lost,
// and a dead holder does not keep the others waiting. Containers, as PID namespaces, register the same service under the same pid.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createFileRegistry } from "@multifrost/registry";
import { quantile } from "../callers.mjs";

const PROCESSES = 16;

/** Where a process dies, as die-under-lock.mjs has them. */
const MOMENTS = ["services.json.lock.holder", "registry.lock", "services.lock", "replace", "replaced"];

/** A process dies within this many writes; one with few rounds left may also live to the end, which takes half as many. */
const WRITES_OF_A_LIFE = 40;

const CONTAINERS = 5;

const program = (name) => fileURLToPath(new URL(`../programs/${name}`, import.meta.url));

export async function registryWrites({ times, random }) {
  const directory = mkdtempSync(join(tmpdir(), "multifrost-chaos-"));
  const problems = [];
  const timings = [];
  let lives = 0;
  const deaths = new Map();
  const user = async () => {
    let left = times;
    while (left > 0) {
      const moment = MOMENTS[lives % MOMENTS.length];
      lives += 1;
      const child = spawn(process.execPath, ["--import", program("die-under-lock.mjs"), program("registry-user.mjs")], {
        stdio: ["ignore", "inherit", "inherit", "ipc"],
        env: {
          ...process.env,
          CHAOS_DIRECTORY: directory,
          CHAOS_ROUNDS: String(left),
          CHAOS_DIE_AT: moment,
          CHAOS_DIE_AFTER: String(Math.floor(random() * Math.min(WRITES_OF_A_LIFE, 4 * left))),
        },
      });
      child.on("message", (round) => {
        left -= 1;
        problems.push(...round.problems);
        timings.push(...round.timings);
      });
      const [exitCode, signal] = await once(child, "exit");
      if (signal === "SIGKILL") {
        deaths.set(moment, (deaths.get(moment) ?? 0) + 1);
      } else if (exitCode !== 0) {
        throw new Error(`A process of the registry ended with ${exitCode ?? signal}.`);
      }
    }
  };
  await Promise.all(Array.from({ length: PROCESSES }, user));
  const registry = createFileRegistry({ directory });
  const alive = (await registry.list()).filter((entry) => entry.alive).length;
  await registry.prune();
  const kept = Object.keys(JSON.parse(readFileSync(join(directory, "services.json"), "utf8"))).length;
  const containers = await restartedContainers(directory);
  rmSync(directory, { recursive: true });
  const kinds = new Map();
  for (const problem of problems) {
    kinds.set(problem, (kinds.get(problem) ?? 0) + 1);
  }
  return [
    { title: "rounds of 2 writes and 3 other operations", value: timings.length / 5 },
    ...[...deaths].map(([moment, count]) => ({ title: `killed at ${moment}`, value: count })),
    ...[...kinds].map(([kind, count]) => ({ title: kind, value: count })),
    { title: "operations that failed or saw something wrong", value: problems.length, most: 0 },
    { title: "entries of living processes at the end", value: alive, most: 0 },
    { title: "entries after prune()", value: kept, most: 0 },
    { title: "an operation, p50, ms", value: quantile(timings, 0.5) },
    { title: "an operation, p99, ms", value: quantile(timings, 0.99) },
    { title: "an operation, longest, ms", value: Math.max(...timings), most: 10_000, isTime: true },
    ...containers,
  ];
}

/** Each container has pid 1 again, and none may take its predecessor's entry for its own. */
async function restartedContainers(directory) {
  const title = "containers that could not register again under the same pid";
  const flags = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"];
  if (spawnSync("unshare", [...flags, "true"]).status !== 0) {
    return [{ title: "containers: this machine allows no PID namespaces; left out", value: 0 }];
  }
  let failed = 0;
  const pids = new Set();
  for (let count = 0; count < CONTAINERS; count += 1) {
    const container = spawn("unshare", [...flags, process.execPath, program("crashing-service.mjs")], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, CHAOS_DIRECTORY: directory },
    });
    const [line] = await once(createInterface(container.stdout), "line");
    failed += line.startsWith("registered") ? 0 : 1;
    pids.add(line);
    container.kill("SIGKILL");
    await once(container, "exit");
  }
  return [
    { title: "containers started one after the other", value: CONTAINERS },
    { title, value: failed, most: 0 },
    { title: "different pids among them", value: pids.size, most: 1 },
  ];
}
