// Calls made from inside a logger or a listener, at every moment of a parent's life.

import type { MultifrostError } from "@multifrost/protocol/errors";
import type { Logger, LogRecord } from "@multifrost/reliability";
import { expect, it, onTestFinished } from "vitest";
import { ParentWorker, type SpawnOptions } from "../../src/index.js";
import { fixture } from "../support/processes.js";
import type { Answering } from "../support/spawned.js";
import { until } from "../support/until.js";

const EVENTS = ["stdout", "stderr", "exit", "restart", "state", "circuit", "heartbeat", "message"] as const;

/** A parent whose logger and listeners make calls, each a few times in each state. */
function callingBack(options: SpawnOptions) {
  const made = new Map<string, number>();
  const settled: string[] = [];
  let open = 0;
  let depth = 0;
  const call = (place: string): void => {
    const key = `${place} while ${worker?.state}`;
    const before = made.get(key) ?? 0;
    if (worker === undefined || before >= 3 || depth >= 3) {
      return;
    }
    made.set(key, before + 1);
    depth++;
    open++;
    worker.call.add(1, 2).then(
      (sum) => settle(key, sum === 3 ? "ok" : `wrong: ${sum}`),
      (error: MultifrostError) => settle(key, error.code ?? `untyped: ${error}`),
    );
    depth--;
  };
  const settle = (key: string, outcome: string): void => {
    open--;
    settled.push(`${key}: ${outcome}`);
  };
  const log = (record: LogRecord): void => call(`log ${record.event}`);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  let worker: ParentWorker<Answering> | undefined;
  const parent = ParentWorker.spawn<Answering>(fixture("answers-calls.mjs"), { logger, ...options });
  worker = parent;
  for (const event of EVENTS) {
    parent.on(event, () => call(event));
  }
  onTestFinished(() => parent.stop());
  return { parent, made, settled, open: () => open };
}

it("they settle with a result or a typed error: start, failure, crash, restart, stop", async () => {
  const { parent, made, settled, open } = callingBack({ autoRestart: true, restartBackoff: 0 });
  await parent.start();
  await parent.call.fail("once").catch(() => {});
  await parent.call.exit(3).catch(() => {});
  await parent.call.add(1, 1);
  await parent.restart();
  await parent.call.exit(3).catch(() => {});
  await parent.call.add(1, 1).catch(() => {});
  await parent.stop();
  await until(() => open() === 0);
  expect([...made.keys()]).toEqual(
    expect.arrayContaining([
      "state while starting",
      "log process_exit while restarting",
      "restart while running",
      "state while stopping",
      "state while stopped",
    ]),
  );
  expect(settled.filter((text) => !/: (ok|NOT_RUNNING|WORKER_EXITED|CIRCUIT_OPEN)$/.test(text))).toEqual([]);
});

it("they settle after the end for good", async () => {
  const crashed = callingBack({});
  await crashed.parent.start();
  await crashed.parent.call.exit(3).catch(() => {});
  await until(() => crashed.parent.state === "exited");
  await crashed.parent.stop();
  await until(() => crashed.open() === 0);
  expect([...crashed.made.keys()]).toContain("state while exited");
  expect(crashed.settled.filter((text) => !/: (ok|NOT_RUNNING|WORKER_EXITED)$/.test(text))).toEqual([]);
});
