// A worker is restarted again and again, half the times by a kill, between calls to it and to a service that lives on: what the
// parent and the service hold does not grow.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFileRegistry } from "@multifrost/registry";
import { ParentWorker } from "multifrost";
import { until } from "../callers.mjs";
import { held } from "../held.mjs";
import { slopePer1000 } from "../slope.mjs";

/** Calls to each of the two between two restarts, and how many of them are made at once. */
const CALLS = 500;
const AT_ONCE = 50;
const SAMPLES = 40;

/** What 1,000 restarts and 1,000,000 calls may add. The rest of a process's memory is V8's and libc's to keep. */
const MOST_PER_1000 = {
  "heap and buffers, kB": 200,
  "resident memory, kB": 10_000,
  descriptors: 0.5,
  timers: 0.5,
  "other resources of the event loop": 0.5,
  listeners: 0.5,
};

const SCRIPT = fileURLToPath(new URL("../workers/soak.mjs", import.meta.url));

export async function soak({ times, random }) {
  const home = mkdtempSync(join(tmpdir(), "multifrost-chaos-"));
  const registry = createFileRegistry({ directory: join(home, ".multifrost") });
  const service = spawn(process.execPath, [SCRIPT, "soak"], {
    env: { ...process.env, HOME: home },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const connected = await ParentWorker.connect("soak", { registry, logger: false });
  await connected.start();
  const worker = ParentWorker.spawn(SCRIPT, {
    autoRestart: true,
    // The restarts that are wanted here are more than a worker has.
    maxRestartAttempts: Number.MAX_SAFE_INTEGER,
    restartBackoff: 0.001,
    logger: false,
  });
  await worker.start();
  const samples = { parent: [], service: [] };
  let wrong = 0;
  let calls = 0;
  const call = async (target) => {
    for (let left = CALLS; left > 0; left -= AT_ONCE) {
      const first = calls;
      calls += AT_ONCE;
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, index) => target.call.add(first + index, 1)),
      );
      wrong += answers.filter((answer, index) => answer !== first + index + 1).length;
    }
  };
  for (let restart = 0; restart < times; restart += 1) {
    await Promise.all([call(worker), call(connected)]);
    if (restart % Math.ceil(times / SAMPLES) === 0) {
      samples.parent.push([restart, held([worker, connected])]);
      samples.service.push([restart, await connected.call.held()]);
    }
    if (random() < 0.5) {
      await worker.restart();
    } else {
      const { pid } = worker;
      process.kill(pid, "SIGKILL");
      await until(() => worker.pid !== undefined && worker.pid !== pid && worker.isHealthy, "a new worker");
    }
  }
  await Promise.all([worker.stop(), connected.stop()]);
  service.kill("SIGTERM");
  await once(service, "exit");
  rmSync(home, { recursive: true });
  return [
    { title: "calls", value: calls },
    { title: "wrong answers", value: wrong, most: 0 },
    ...["parent", "service"].flatMap((name) =>
      Object.entries(MOST_PER_1000).flatMap(([what, most]) => {
        const points = samples[name].map(([at, all]) => [at, all[what]]);
        return [
          { title: `${name}: ${what}, at the end`, value: points.at(-1)[1] },
          { title: `${name}: ${what}, per 1 000 restarts`, value: slopePer1000(points), most, isTime: true },
        ];
      }),
    ),
  ];
}
