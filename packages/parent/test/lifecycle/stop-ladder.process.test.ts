// How stop() ends a worker that ignores the shutdown message, or SIGTERM too: with calls, in a computation, while it starts or restarts.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ExitDetails, MultifrostError } from "@multifrost/protocol/errors";
import { describe, expect, it } from "vitest";
import type { ParentWorker, SpawnOptions } from "../../src/index.js";
import { isAlive, watched } from "../support/processes.js";
import { spawnFixture } from "../support/spawned.js";
import { temporaryDirectory } from "../support/temp-directory.js";
import { errorOf, until } from "../support/until.js";

interface Stubborn {
  pids(): [worker: number, inGroup: number];
  later(value: number, ms: number): Promise<number>;
  compute(): never;
}

type Rung = "shutdown" | "SIGTERM" | "SIGKILL";

/** How a worker exits that ends at this rung. */
const EXITS: Record<Rung, Pick<ExitDetails, "exitCode" | "signal">> = {
  shutdown: { exitCode: 0, signal: null },
  SIGTERM: { exitCode: null, signal: "SIGTERM" },
  SIGKILL: { exitCode: null, signal: "SIGKILL" },
};
const RUNGS = Object.keys(EXITS) as Rung[];

interface Watched {
  readonly worker: ParentWorker<Stubborn>;
  readonly exits: ExitDetails[];
  readonly lines: string[];
  /** Every process that was started, and one that each has started. */
  pids(): number[];
}

function stubborn(rung: Rung, path: string[] = [], options: SpawnOptions = {}): Watched {
  const worker = spawnFixture<Stubborn>("ends-at-one-rung.mjs", { args: [rung, ...path], ...options });
  const exits: ExitDetails[] = [];
  const lines: string[] = [];
  worker.on("exit", (exit) => exits.push(exit));
  worker.on("stderr", (line) => {
    lines.push(line);
    if (line.startsWith("up ")) {
      line.split(" ").slice(1).map(Number).forEach(watched);
    }
  });
  const pids = (): number[] =>
    lines.filter((line) => line.startsWith("up ")).flatMap((line) => line.split(" ").slice(1).map(Number));
  return { worker, exits, lines, pids };
}

async function expectNothingLeft({ worker, pids }: Watched, generations: number): Promise<void> {
  expect(worker.state).toBe("stopped");
  expect(pids()).toHaveLength(generations * 2);
  await until(() => pids().every((pid) => !isAlive(pid)));
}

describe("[LIFE-2] stop() ends a worker, and what it has started", () => {
  it.each(RUNGS)("that ends at %s, under load: each call gets its answer or a typed error", async (rung) => {
    const all = stubborn(rung, [], { stopTimeout: 500 });
    const { worker, exits } = all;
    await worker.start();
    let answered = 0;
    const callers = Array.from({ length: 64 }, async (_, caller) => {
      for (let count = 0; ; count++) {
        try {
          expect(await worker.call.later(caller + count, 1)).toBe(caller + count);
          answered++;
        } catch (error) {
          return error;
        }
      }
    });
    await until(() => answered > 500);
    await worker.stop();
    for (const error of await Promise.all(callers)) {
      expect(error).toBeInstanceOf(MultifrostError);
    }
    expect(exits).toMatchObject([EXITS[rung]]);
    await expectNothingLeft(all, 1);
  });

  it.each(["shutdown", "SIGTERM"] as const)(
    "that would end at %s, but never gives its event loop back",
    async (rung) => {
      const all = stubborn(rung, [], { stopTimeout: 10 });
      const { worker, exits, lines } = all;
      await worker.start();
      const call = errorOf(worker.call.compute());
      await until(() => lines.includes("computing"));
      await worker.stop();
      expect(await call).toBeInstanceOf(MultifrostError);
      // Without a listener, SIGTERM needs no event loop.
      expect(exits).toMatchObject([EXITS[rung === "shutdown" ? "SIGKILL" : "SIGTERM"]]);
      await expectNothingLeft(all, 1);
    },
  );

  it.each(["SIGTERM", "SIGKILL"] as const)("that ends at %s, while it starts", async (rung) => {
    // It exists already, so that the worker never connects.
    const all = stubborn(rung, [import.meta.filename]);
    const { worker, exits, lines } = all;
    const starting = errorOf(worker.start());
    await until(() => lines.length > 0);
    await worker.stop();
    expect(await starting).toMatchObject({ code: "NOT_RUNNING" });
    expect(exits).toMatchObject([EXITS[rung]]);
    await expectNothingLeft(all, 1);
  });

  it.each(RUNGS)("that ends at %s, while restart() ends it", async (rung) => {
    const all = stubborn(rung, [], { stopTimeout: 10 });
    const { worker, exits, lines } = all;
    await worker.start();
    await until(() => lines.length > 0);
    const restarting = errorOf(worker.restart());
    await until(() => worker.pid === undefined);
    await worker.stop();
    expect(await restarting).toMatchObject({ code: "NOT_RUNNING" });
    expect(exits).toMatchObject([EXITS[rung]]);
    await expectNothingLeft(all, 1);
  });

  it.each(["SIGTERM", "SIGKILL"] as const)("that ends at %s, while it starts again", async (rung) => {
    const path = join(temporaryDirectory(), "started");
    const all = stubborn(rung, [path], { autoRestart: true, restartBackoff: 0 });
    const { worker, exits, lines } = all;
    await worker.start();
    expect(existsSync(path)).toBe(true);
    await until(() => lines.length === 1);
    process.kill(worker.pid as number, "SIGKILL");
    await until(() => lines.length === 2);
    await worker.stop();
    expect(exits).toMatchObject([EXITS.SIGKILL, EXITS[rung]]);
    await expectNothingLeft(all, 2);
  });
});
