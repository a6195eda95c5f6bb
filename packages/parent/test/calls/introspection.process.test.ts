// The same with real processes: a worker that is spawned, restarted, and a service.

import { interfaceHash } from "@multifrost/protocol/interface";
import type { LogRecord } from "@multifrost/reliability";
import { expect, it } from "vitest";
import { servicePlace } from "../support/services.js";
import { spawnFixture, startFixture } from "../support/spawned.js";
import { until } from "../support/until.js";

const WRONG = "0".repeat(64);

function log() {
  const events: string[] = [];
  const note = ({ event }: LogRecord): void => void events.push(event);
  const mismatches = (): number => events.filter((event) => event === "interface_mismatch").length;
  return { events, mismatches, logger: { info: note, warn: note, error: note } };
}

it("[INT-1] [INT-2] describe() has a worker's methods with the parameters that its source names", async () => {
  const worker = await startFixture();
  const { language, functions, types } = await worker.describe();
  expect(language).toBe("javascript");
  expect(types).toBeUndefined();
  expect(Object.keys(functions)).toEqual(await worker.listFunctions());
  expect(functions.add).toEqual({ parameters: [{ name: "a" }, { name: "b" }] });
});

it("[INT-4] a spawned worker is compared at its start and after every restart", async () => {
  const { mismatches, logger } = log();
  const worker = await startFixture("answers-calls.mjs", { logger, interfaceHash: WRONG });
  await until(() => mismatches() === 1);
  await worker.restart();
  await until(() => mismatches() === 2);
  expect(await worker.call.add(1, 2)).toBe(3);
});

it("[INT-4] the hash of the worker's current description causes no warning", async () => {
  const first = await startFixture();
  const { events, logger } = log();
  const worker = spawnFixture("answers-calls.mjs", {
    logger,
    interfaceHash: await interfaceHash(await first.describe()),
  });
  await worker.start();
  await until(() => worker.metrics.requestsSuccess === 1);
  await worker.describe().then(interfaceHash);
  expect(events.filter((event) => event.startsWith("interface_"))).toEqual([]);
});

it("[INT-4] a service is compared too", async () => {
  const place = servicePlace();
  await place.start("answering");
  const { mismatches, logger } = log();
  const worker = await place.connect("answering", { logger, interfaceHash: WRONG });
  await worker.start();
  await until(() => mismatches() === 1);
});
