import { createHeartbeat } from "@multifrost/protocol";
import { HeartbeatMonitor, systemClock } from "@multifrost/reliability";
import { describe, expect, it } from "vitest";
import type { Link, Loss } from "../src/link.js";
import { proveReachable } from "../src/prove-reachable.js";
import { errorOf } from "./support/until.js";

const never = new Promise<never>(() => {});
const link = { channel: { endpoint: "tcp://127.0.0.1:4000" }, worker: undefined } as unknown as Link;
const spawned = { ...link, worker: { command: "node worker.mjs", stderrTail: () => "" } } as unknown as Link;
const { signal } = new AbortController();

function proof(answers: boolean, rest: Partial<Parameters<typeof proveReachable>[0]> = {}): Promise<void> {
  const monitor = new HeartbeatMonitor({
    clock: systemClock(),
    newId: () => createHeartbeat().id,
    send: (id) => answers && setImmediate(() => monitor.answered(id)),
  });
  return proveReachable({ link, monitor, ended: never, timeoutMs: 100, leftMs: 5, signal, ...rest });
}

describe("the proof that a worker can be reached", () => {
  it("is one heartbeat, answered", async () => {
    await proof(true);
  });

  it("[REG-12] none in time: ConnectionError UNREACHABLE, which tells of the other program; the time is that of the whole start", async () => {
    expect(await errorOf(proof(false))).toMatchObject({
      name: "ConnectionError",
      code: "UNREACHABLE",
      endpoint: "tcp://127.0.0.1:4000",
      message:
        "Something listens at tcp://127.0.0.1:4000 but answered no heartbeat within 100 ms. The service may have ended " +
        "and another program may have its port: start the service again.",
    });
  });

  it("none in time from a process of our own: SpawnError START_TIMEOUT", async () => {
    expect(await errorOf(proof(false, { link: spawned }))).toMatchObject({
      name: "SpawnError",
      code: "START_TIMEOUT",
      command: "node worker.mjs",
    });
  });

  it("the process ends meanwhile: EXITED_EARLY, at once", async () => {
    const exit = { exitCode: 1, signal: null, stderrTail: "", command: "node worker.mjs" };
    const ended = Promise.resolve<Loss>({ kind: "exit", exit });
    expect(await errorOf(proof(false, { ended, leftMs: 10_000 }))).toMatchObject({ code: "EXITED_EARLY", exitCode: 1 });
  });

  it("the connection breaks meanwhile: CONNECTION_LOST, at once", async () => {
    const ended = Promise.resolve<Loss>({ kind: "connection", endpoint: "x" });
    expect(await errorOf(proof(false, { ended, leftMs: 10_000 }))).toMatchObject({
      code: "CONNECTION_LOST",
      message:
        "The connection to tcp://127.0.0.1:4000 was lost before a heartbeat was answered. Look at the worker's output, " +
        "and start it again.",
    });
  });

  it("the signal fires: its reason", async () => {
    const aborted = AbortSignal.abort(new Error("stopped"));
    expect((await errorOf(proof(false, { signal: aborted, leftMs: 10_000 }))).message).toBe("stopped");
  });
});
