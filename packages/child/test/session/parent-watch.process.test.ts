import { describe, expect, onTestFinished, test } from "vitest";
import { networkClient } from "../support/network.js";
import { openParent } from "../support/parent.js";
import { fixturePath, isAlive, spawnEnvironment, spawnWorker, startFixture, untilGone } from "../support/processes.js";
import { until } from "../support/until.js";

describe("[LIFE-3] a spawned worker ends within 2 s of its parent's death by SIGKILL, while an async method runs", () => {
  test.each(["pipe", "ignore"])("stdio %s", async (stdio) => {
    const parent = startFixture("spawns-a-worker.mjs", { args: [fixturePath("answers-calls.mjs"), stdio] });
    await until(() => parent.stdout().includes("\n"));
    const workerPid = Number(parent.stdout());
    onTestFinished(() => {
      if (isAlive(workerPid)) {
        process.kill(workerPid, "SIGKILL");
      }
    });
    expect(isAlive(workerPid)).toBe(true);
    parent.process.kill("SIGKILL");
    await parent.ended;
    expect(await untilGone(workerPid)).toBeLessThan(2_000);
  });
});

test("[LIFE-3] also where only the connection shows it: the parent has closed it and its process lives", async () => {
  const { parent, ended, stderr } = await spawnWorker("answers-calls.mjs");
  parent.fire("wait", [60_000]);
  await parent.heartbeat();
  const from = performance.now();
  await parent.close();
  expect(await ended).toBe(1);
  expect(performance.now() - from).toBeLessThan(2_000);
  expect(stderr()).toBe(`multifrost: The parent of this worker, process ${process.pid}, is gone: the worker ends.\n`);
});

test("[LIFE-3] also while it is stopping and waits for a call in flight", async () => {
  const { parent, ended } = await spawnWorker("answers-calls.mjs", {
    args: ["", JSON.stringify({ stopTimeout: 60_000 })],
  });
  parent.fire("hold");
  parent.shutdown();
  await parent.heartbeat();
  const from = performance.now();
  await parent.close();
  expect(await ended).toBe(1);
  expect(performance.now() - from).toBeLessThan(2_000);
});

test("a worker without a parent at its port says so and exits with code 1", async () => {
  const gone = await openParent(networkClient({ bind: {} }));
  await gone.close();
  const { ended, stderr } = startFixture("answers-calls.mjs", { env: spawnEnvironment(gone.port) });
  expect(await ended).toBe(1);
  expect(stderr()).toBe(
    `multifrost: No parent could be reached at port ${gone.port} (COMLINK_ZMQ_PORT) within 5 s. ` +
      "The parent sets it when it spawns a worker; unset it to run this one as a service.\n",
  );
});
