// Whatever kills a parent, its workers and what they started end with it. Each case is a real parent script.

import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { gone, isAlive, type Running, run, said, watched } from "../support/processes.js";
import { until } from "../support/until.js";

interface Family {
  readonly parent: Running;
  readonly worker: number;
  readonly inGroup: number;
  readonly inOwnSession: number;
}

async function family(state: "idle" | "busy"): Promise<Family> {
  const parent = run("parents/is-killed.mjs", { args: [state] });
  const pids = JSON.parse(await said(parent, /^pids (.*)\n/m)) as Record<"worker" | "inGroup" | "inOwnSession", number>;
  for (const pid of Object.values(pids)) {
    watched(pid);
  }
  return { parent, ...pids };
}

const DEATHS = ["SIGKILL", "SIGQUIT", "SIGABRT", "SIGSTOP, then SIGKILL"];

describe("[LIFE-6] a parent that is killed leaves no worker, and nothing of its worker's process group", () => {
  it.each(DEATHS)("by %s", async (death) => {
    const { parent, worker, inGroup, inOwnSession } = await family("idle");
    for (const signal of death.split(", then ") as NodeJS.Signals[]) {
      process.kill(parent.pid, signal);
    }
    await gone(worker);
    await gone(inGroup);
    // It has left the group on purpose, as daemons do: it is not ours to end.
    expect(isAlive(inOwnSession)).toBe(true);
  });

  it("while the worker is in an endless loop", async () => {
    const { parent, worker, inGroup, inOwnSession } = await family("busy");
    await said(parent, /computing/);
    process.kill(parent.pid, "SIGKILL");
    await gone(worker);
    await gone(inGroup);
    expect(isAlive(inOwnSession)).toBe(true);
  });

  it("together with its worker", async () => {
    const { parent, worker, inGroup, inOwnSession } = await family("idle");
    process.kill(parent.pid, "SIGSTOP");
    process.kill(worker, "SIGKILL");
    process.kill(parent.pid, "SIGKILL");
    await gone(inGroup);
    expect(isAlive(inOwnSession)).toBe(true);
  });

  it("in the moment in which the worker's process was started, before anything of the parent watches it", async () => {
    const parent = run("parents/is-killed.mjs", { args: ["spawning"] });
    const worker = watched(Number(await said(parent, /^worker (\d+)\n/m)));
    const [inGroup, inOwnSession] = (await said(parent, /^descendants (.*)\n/m)).split(" ").map(Number).map(watched);
    await until(() => /No parent could be reached at port \d+ .* within 0\.5 s\./.test(parent.out.stderr));
    await gone(worker);
    await gone(inGroup as number);
    expect(isAlive(inOwnSession as number)).toBe(true);
  });
});

it("[LIFE-6] a worker that is killed takes its process group with it", async () => {
  const { worker, inGroup, inOwnSession } = await family("idle");
  process.kill(worker, "SIGKILL");
  await gone(inGroup);
  expect(isAlive(inOwnSession)).toBe(true);
});

it("what watches the parent ends with the last worker, and does not keep the process alive", async () => {
  const parent = run("parents/ends-in-some-way.mjs", { args: ["waits"] });
  const worker = watched(Number(await said(parent, /^worker (\d+)\n/m)));
  const others = childrenOf(parent.pid).filter((pid) => pid !== worker);
  expect(others).toHaveLength(1);
  process.kill(worker, "SIGKILL");
  await gone(others[0] as number);
  expect(await parent.ended).toEqual({ code: 0, signal: null });
});

function childrenOf(pid: number): number[] {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
  const pairs = rows.map((row) => row.trim().split(/ +/).map(Number));
  return pairs.filter(([, parent]) => parent === pid).map(([child]) => child as number);
}
