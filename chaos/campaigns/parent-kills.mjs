// Parents are killed at random moments, and what they leave behind is counted.
//
// Each parent has a TypeScript or a Python worker, idle or busy in a computation that never ends, with a process in its group and one in
// its own session. It is killed from 0 ms after it began to spawn its worker, or when all run: by SIGKILL, SIGQUIT, SIGABRT,
// SIGKILL after SIGSTOP, or together with its worker. After 2 s nothing may be left but what made its own session.
// Needs Linux, where /proc has the environment of each process.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The latest moment of a death while the worker starts, in milliseconds after it began. */
const START_MS = 250;
/** The latest moment of a death afterwards. */
const RUN_MS = 200;

const LANGUAGES = ["typescript", "python"];
const STATES = ["idle", "busy"];
const DEATHS = ["SIGKILL", "SIGQUIT", "SIGABRT", "SIGSTOP, SIGKILL", "with its worker"];
const MOMENTS = ["starting", "running"];

/** How many parents there are at the same time. */
const AT_ONCE = 4;
/** How long anything may outlive its parent, in milliseconds. */
const LIMIT_MS = 2_000;

const PARENT = fileURLToPath(new URL("../programs/parent.mjs", import.meta.url));

export async function parentKills({ times, random }) {
  const languages = hasPython() ? LANGUAGES : ["typescript"];
  const waiting = Array.from({ length: times }, (_, index) => ({
    index,
    // Neighbours differ in everything, so that a short run has every kind.
    language: languages[index % languages.length],
    state: STATES[(index >> 1) % 2],
    death: DEATHS[index % DEATHS.length],
    moment: MOMENTS[(index >> 2) % 2],
    delay: random(),
  }));
  const results = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let plan = waiting.shift(); plan !== undefined; plan = waiting.shift()) {
        results.push({ ...plan, ...(await killOne(plan)) });
      }
    }),
  );
  return figures(results);
}

async function killOne({ index, language, state, death, moment, delay }) {
  const mark = `CHAOS_PARENT=${process.pid}-${index}`;
  const [name, value] = mark.split("=");
  const parent = spawn(process.execPath, [PARENT, language, state], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, [name]: value },
  });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"]) {
    parent[stream].setEncoding("utf8").on("data", (text) => {
      output[stream] += text;
      parent.emit("said");
    });
  }
  const ended = once(parent, "exit");
  const said = moment === "starting" ? /spawning\n/ : /ready\n/;
  while (!said.test(output.stdout)) {
    await Promise.race([once(parent, "said"), ended]);
    if (parent.exitCode !== null) {
      return { left: [`The parent ended by itself: ${output.stderr}`], lasted: 0 };
    }
  }
  await sleep(delay * (moment === "starting" ? START_MS : RUN_MS));
  const family = childrenOf(parent.pid)
    .map(processOf)
    .filter((one) => one !== undefined);
  for (const signal of death === "with its worker" ? ["SIGKILL"] : death.split(", ")) {
    if (death === "with its worker") {
      // The oldest child is the worker.
      kill(family[0]?.pid, "SIGKILL");
    }
    parent.kill(signal);
  }
  await ended;
  const from = performance.now();
  let left = leftOf(mark, family);
  while (left.length > 0 && performance.now() - from < LIMIT_MS) {
    await sleep(20);
    left = leftOf(mark, family);
  }
  const lasted = performance.now() - from;
  const names = left.map(({ pid, command }) => `${pid} ${command}`);
  for (const { pid } of [...left, ...processesWith(mark)]) {
    kill(pid, "SIGKILL");
  }
  parent.stdout.destroy();
  parent.stderr.destroy();
  return { left: names, lasted };
}

function hasPython() {
  return spawnSync("python3", ["-c", "import msgpack"]).status === 0;
}

/** What should have ended: everything with the mark that did not make its own session, and the children that the parent had. */
function leftOf(mark, family) {
  const marked = processesWith(mark).filter(({ environment }) => !environment.includes("CHAOS_OWN_SESSION=1"));
  const rest = family.filter(({ pid }) => marked.every((one) => one.pid !== pid));
  // Another process may have the same id by now.
  return [...marked, ...rest.filter(({ pid, startedAt }) => processOf(pid)?.startedAt === startedAt)];
}

function processesWith(mark) {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => processOf(Number(pid)))
    .filter((one) => one?.environment.includes(mark));
}

/** A process that runs; `undefined` for one that has ended, whether or not it was waited for. */
function processOf(pid) {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The 22nd field; the second one, a name in parentheses, may have spaces.
    const startedAt = stat.slice(stat.lastIndexOf(")")).split(" ")[20];
    return command === "" ? undefined : { pid, environment, startedAt, command: command.slice(0, 80) };
  } catch {
    return undefined;
  }
}

function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function kill(pid, signal) {
  try {
    // Without a pid there was no worker yet.
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

function figures(results) {
  const rows = [];
  for (const [title, key] of [
    ["worker", "language"],
    ["state", "state"],
    ["death", "death"],
    ["moment", "moment"],
  ]) {
    for (const value of new Set(results.map((result) => result[key]))) {
      const lasted = results.filter((result) => result[key] === value).map((result) => result.lasted);
      rows.push({
        title: `${title} ${value}: all gone after, longest of ${lasted.length}, ms`,
        value: Math.max(...lasted),
      });
    }
  }
  for (const { index, language, state, death, moment, left } of results) {
    for (const one of left) {
      rows.push({ title: `left by kill ${index} (${language}, ${state}, ${moment}, ${death}): ${one}`, value: 1 });
    }
  }
  const left = results.reduce((sum, result) => sum + result.left.length, 0);
  return [...rows, { title: `processes left after ${LIMIT_MS / 1_000} s`, value: left, most: 0 }];
}
