import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Message } from "@multifrost/protocol";
import { describe, expect, test } from "vitest";
import type { StandInParent } from "../support/parent.js";
import { type Fixture, spawnWorker, startFixture, temporaryHome } from "../support/processes.js";

const STOPPING = "This worker is stopping and takes no more calls";

/** Calls until the worker refuses, as it is stopping. */
async function untilRefused(parent: StandInParent): Promise<Message> {
  for (;;) {
    const answer = await parent.call("add", [1, 2]);
    if (answer.type === "error") {
      return answer;
    }
  }
}

function signal({ process: child }: Fixture, name: NodeJS.Signals): void {
  expect(child.kill(name)).toBe(true);
}

describe.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)("[LIFE-4] %s", (name, exitCode) => {
  test("lets calls in flight finish and answers them, answers later ones with an error, and exits 0", async () => {
    const worker = await spawnWorker("answers-calls.mjs");
    const waiting = worker.parent.fire("wait", [800]);
    await worker.parent.heartbeat();
    signal(worker, name);
    expect(await untilRefused(worker.parent)).toMatchObject({ error: STOPPING });
    expect(await worker.parent.answer(waiting.id)).toMatchObject({ result: 800 });
    expect(await worker.ended).toBe(0);
    expect(worker.stdout() + worker.stderr()).toBe("");
  });

  test("a second one exits at once, with the exit code that shells use for it", async () => {
    const worker = await spawnWorker("answers-calls.mjs");
    worker.parent.fire("hold");
    await worker.parent.heartbeat();
    signal(worker, name);
    await untilRefused(worker.parent);
    signal(worker, name);
    expect(await worker.ended).toBe(exitCode);
  });
});

test("stopTimeout bounds the wait for calls in flight; the exit code is still 0", async () => {
  const worker = await spawnWorker("answers-calls.mjs", { args: ["", JSON.stringify({ stopTimeout: 50 })] });
  worker.parent.fire("hold");
  await worker.parent.heartbeat();
  signal(worker, "SIGTERM");
  expect(await worker.ended).toBe(0);
});

test("a signal during the start ends the worker in order: exit code 0, and nothing stays in the registry", async () => {
  const home = temporaryHome();
  const { ended, stderr } = startFixture("is-signalled-while-it-starts.mjs", { env: { HOME: home } });
  expect(await ended).toBe(0);
  expect(stderr()).toBe("");
  const services = join(home, ".multifrost", "services.json");
  expect(existsSync(services) ? JSON.parse(readFileSync(services, "utf8")) : {}).toEqual({});
});

test("a channel that fails for good ends the process with exit code 1", async () => {
  const { ended, stderr } = startFixture("channel-fails.mjs");
  expect(await ended).toBe(1);
  expect(stderr()).toMatch(/ ERROR socket_disconnect The channel failed for good\. .*the wire is cut/);
});

describe("run() in a module that was imported", () => {
  test("does not end the process, takes no signals, and warns once of a parent that needs the type", async () => {
    const { ended, stdout, stderr } = startFixture("imports-a-worker.mjs");
    expect(await ended).toBe(0);
    expect(JSON.parse(stdout())).toEqual({
      warnings: [
        "MultifrostWarning: Twice.run() was called in a module that was imported, not started, so no worker runs here. It " +
          "looks like a parent that needs the type alone: write `import type { Twice } from …`, which loads nothing.",
      ],
      signals: 0,
      sum: 3,
    });
    expect(stderr().match(/IMPORTED_WORKER/g)).toHaveLength(1);
  });

  test("warns of a unit test under a test runner", async () => {
    const { ended, stdout } = startFixture("imports-a-worker.mjs", { env: { NODE_TEST_CONTEXT: "child" } });
    expect(await ended).toBe(0);
    expect(JSON.parse(stdout()).warnings).toEqual([
      expect.stringContaining("It looks like a unit test: put the class"),
    ]);
  });

  test("in the module that was started it ends the process, as before", async () => {
    const { ended, stderr } = startFixture("runs-when-imported.mjs", {});
    expect(await ended).toBe(1);
    expect(stderr()).toMatch(/^multifrost: This worker has neither COMLINK_ZMQ_PORT /);
  });
});

describe("[NET-4] an error at the start is one line on stderr and exit code 1", () => {
  test.each<[string, Record<string, string>, string]>([
    [
      "neither port nor service id",
      {},
      "multifrost: This worker has neither COMLINK_ZMQ_PORT in its environment nor a service id. " +
        "Let a parent start it with ParentWorker.spawn(), or name it as a service: new MyWorker('my-service').run().\n",
    ],
    [
      "a port that is no number",
      { COMLINK_ZMQ_PORT: "soon" },
      'multifrost: COMLINK_ZMQ_PORT is "soon", which is not a port: it must be a whole number from 1024 to 65535. ' +
        "The parent sets it when it spawns a worker; unset it to run this one as a service.\n",
    ],
    [
      "a port that is too low",
      { COMLINK_ZMQ_PORT: "1023" },
      'multifrost: COMLINK_ZMQ_PORT is "1023", which is not a port: it must be a whole number from 1024 to 65535. ' +
        "The parent sets it when it spawns a worker; unset it to run this one as a service.\n",
    ],
  ])("%s", async (_what, env, line) => {
    const { ended, stdout, stderr } = startFixture("answers-calls.mjs", { env });
    expect(await ended).toBe(1);
    expect(stderr()).toBe(line);
    expect(stdout()).toBe("");
  });
});
