// A service is ended and started again and again while 10 parents with 4 callers each call it: in order, no call fails; by
// SIGKILL, only those in flight.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileRegistry } from "@multifrost/registry";
import { ParentWorker } from "multifrost";
import { Callers, countingUnhandled, Notes, pause, quantile, until } from "../callers.mjs";
import { scriptOf } from "./worker-kills.mjs";

const PARENTS = 10;
const CALLERS_EACH = 4;
const SETTLED_WITHIN_MS = 1_000;

/** What calls in flight at a hard end, and no others, reject with. */
const LOST = "CONNECTION_LOST";

export async function serviceRestarts({ signal, times, random }) {
  const home = mkdtempSync(join(tmpdir(), "multifrost-chaos-"));
  const directory = join(home, ".multifrost");
  const registry = createFileRegistry({ directory });
  const notes = new Notes();
  const start = async () => {
    const child = spawn(process.execPath, [scriptOf("typescript"), notes.path, "noting"], {
      env: { ...process.env, HOME: home },
      stdio: ["ignore", "ignore", "inherit"],
    });
    await registry.discover("noting", { timeoutMs: 10_000 });
    return child;
  };
  let service = await start();
  const workers = [];
  for (let count = 0; count < PARENTS; count += 1) {
    const worker = await ParentWorker.connect("noting", { registry, logger: false });
    await worker.start();
    workers.push(worker);
  }
  const recovery = [];
  const outcomes = new Map();
  let backAt = Number.NaN;
  let inFlightAtEnds = 0;
  let unsettled = 0;
  let all = [];
  const unhandled = await countingUnhandled(async () => {
    all = workers.map((worker) => {
      let waitsSince = Number.NaN;
      return new Callers(
        (id) => worker.call.note(`${workers.indexOf(worker)}.${id}`),
        CALLERS_EACH,
        ({ code, settledAt }) => {
          if (code === undefined && backAt !== waitsSince && settledAt > backAt) {
            waitsSince = backAt;
            recovery.push(settledAt - backAt);
          }
        },
      );
    });
    for (let count = 0; count < times; count += 1) {
      await pause(50 + random() * 100);
      backAt = Number.NaN;
      inFlightAtEnds += all.reduce((sum, { pending }) => sum + pending.size, 0);
      service.kill(signal);
      await once(service, "exit");
      service = await start();
      backAt = performance.now();
      const seen = recovery.length;
      await until(() => recovery.length >= seen + PARENTS, "every parent to be back");
    }
    for (const callers of all) {
      unsettled += await callers.stop(SETTLED_WITHIN_MS);
    }
  });
  for (const callers of all) {
    for (const [code, count] of callers.outcomes) {
      outcomes.set(code, (outcomes.get(code) ?? 0) + count);
    }
  }
  await Promise.all(workers.map((worker) => worker.stop()));
  service.kill("SIGTERM");
  await once(service, "exit");
  const repeated = notes.repeated;
  notes.remove();
  rmSync(home, { recursive: true });
  const failed = [...outcomes].filter(([code]) => code !== "ok");
  const total = failed.reduce((sum, [, count]) => sum + count, 0);
  const isHard = signal === "SIGKILL";
  return [
    { title: "calls", value: all.reduce((sum, { made }) => sum + made, 0) },
    ...failed.map(([code, count]) => ({ title: `rejected with ${code}`, value: count })),
    { title: "failed", value: total, most: isHard ? inFlightAtEnds : 0 },
    { title: "failed otherwise than by the loss of the connection", value: total - (outcomes.get(LOST) ?? 0), most: 0 },
    { title: "unsettled after 1 s", value: unsettled, most: 0 },
    { title: "run twice", value: repeated, most: 0 },
    { title: "unhandled rejections", value: unhandled, most: 0 },
    { title: "from the service's return to an answer at each parent, p50, ms", value: quantile(recovery, 0.5) },
    {
      title: "from the service's return to an answer at each parent, p99, ms",
      value: quantile(recovery, 0.99),
      most: 300,
      isTime: true,
    },
  ];
}
