// What others do on the private endpoint of a worker: no call is diverted, no forged answer is accepted, the state does not
// change, and the worker's death is noticed all the same. The strangers are those of interop/strangers.mjs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ParentState, SpawnOptions } from "../../src/index.js";
import { spawnFixture } from "../support/spawned.js";
import { temporaryDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

const KINDS = [
  ...["text", "http", "tls", "zmtp1", "half-greeting", "idle", "dealer", "router", "wrong-token", "heartbeats"],
  ...["guesser", "echo", "forger", "large", "frames"],
];

/** Both ends of the life of strangers, and what they have seen. */
interface Strangers {
  /** Ends them. Returns how many connections they made, and how many calls they got. */
  end(): Promise<{ connections: number; heartbeats: number; calls: number }>;
}

/** Starts strangers, and waits until each has said what it has to say. */
async function strangers(endpoints: string, kind: string, ...options: string[]): Promise<Strangers> {
  const program = fileURLToPath(new URL("../../../../interop/strangers.mjs", import.meta.url));
  const process_ = spawn(process.execPath, [program, endpoints, kind, ...options], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void process_.kill("SIGKILL"));
  let output = "";
  process_.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const closed = once(process_, "close");
  await until(() => /^ready$/m.test(output), "the strangers to be there");
  return {
    async end() {
      process_.stdin.end();
      await closed;
      return JSON.parse(output.trim().split("\n").at(-1) ?? "");
    },
  };
}

/** A worker that does not connect before `letIn`. */
async function besieged(options: SpawnOptions = {}) {
  const go = join(temporaryDirectory(), "go");
  const env = { GO: go, ...options.env };
  const worker = spawnFixture("waits-to-be-let-in.mjs", { transport: "zmtp", ...options, env });
  const states: ParentState[] = [];
  worker.on("state", (state) => states.push(state));
  let endpoints = "";
  worker.on("stderr", (line) => {
    endpoints = /^given (\S+)$/.exec(line)?.[1] ?? endpoints;
  });
  const starting = worker.start();
  await until(() => endpoints !== "", "the worker to say where it connects");
  const letIn = (): Promise<void> => {
    writeFileSync(go, "");
    return starting;
  };
  /** Whether 100 calls are answered by the worker. */
  const answers = async (): Promise<boolean> => {
    const results = await Promise.all(Array.from({ length: 100 }, (_, index) => worker.call.add(index, 1)));
    return results.every((result, index) => result === index + 1);
  };
  return { worker, states, endpoints, letIn, answers };
}

describe.each(KINDS)("strangers of the kind %s", (kind) => {
  it("[NET-8] that come before the worker, to its port and its socket, and stay or leave, change nothing", async () => {
    const { worker, states, endpoints, letIn, answers } = await besieged();
    const others = await strangers(endpoints, kind, "--both");
    await letIn();
    expect(await answers()).toBe(true);
    expect(states).toEqual(["starting", "running"]);
    const { connections, calls } = await others.end();
    expect(calls).toBe(0);
    expect(connections).toBeGreaterThan(0);
    expect(worker.metrics.refusedConnections).toBeGreaterThan(0);
    expect(await answers()).toBe(true);
  });
});

describe.each([
  ["a worker", {}],
  ["a worker that knows the port alone", { env: { OLDER: "1" } }],
])("strangers of every kind around %s", (_what, options: SpawnOptions) => {
  it("[NET-8] that come again and again while it connects and works change nothing; its death is noticed", async () => {
    const { worker, states, endpoints, letIn, answers } = await besieged(options);
    const others = await strangers(endpoints, "all", "--both", "--again");
    await letIn();
    expect(await answers()).toBe(true);
    process.kill(worker.pid ?? 0, "SIGKILL");
    await expect(worker.call.add(1, 2)).rejects.toMatchObject({ code: "WORKER_EXITED" });
    expect(states).toEqual(["starting", "running", "exited"]);
    expect((await others.end()).calls).toBe(0);
  });
});

it("[NET-8] strangers that come after the worker find nothing that listens", async () => {
  const { states, endpoints, letIn, answers } = await besieged();
  await letIn();
  const others = await strangers(endpoints, "all", "--both", "--again");
  expect(await answers()).toBe(true);
  expect(states).toEqual(["starting", "running"]);
  expect(await others.end()).toMatchObject({ connections: 0, calls: 0 });
});

it("[NET-8] a worker that is restarted gets through the strangers of its endpoint too", async () => {
  const { worker, endpoints, letIn, answers } = await besieged({ autoRestart: true });
  const first = await strangers(endpoints, "all", "--both", "--again");
  await letIn();
  const before = worker.pid;
  process.kill(before ?? 0, "SIGKILL");
  await until(() => worker.pid !== before && worker.state === "running");
  expect(await answers()).toBe(true);
  expect((await first.end()).calls).toBe(0);
});

it("[NET-8] after the worker has connected nothing listens on the port any more", async () => {
  const { worker, endpoints, letIn } = await besieged();
  await letIn();
  const port = Number(new URL(endpoints.split(",")[0] ?? "").port);
  const refused = await new Promise((resolve) => {
    connect(port, "127.0.0.1")
      .on("error", (error: NodeJS.ErrnoException) => resolve(error.code))
      .on("connect", () => resolve("connected"));
  });
  expect(refused).toBe("ECONNREFUSED");
  expect(await worker.call.add(1, 2)).toBe(3);
});

it.each(["zeromq", "zmtp"])("a child over %s that knows only the port is let in", async (transport) => {
  const worker = spawnFixture("answers-calls.mjs", {
    transport: "zmtp",
    env: { MULTIFROST_TRANSPORT: transport },
  });
  await worker.start();
  expect(await worker.call.add(1, 2)).toBe(3);
  expect(worker.metrics.refusedConnections).toBe(0);
});
