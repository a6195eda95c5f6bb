import { ConnectionError, RemoteCallError, WorkerExitedError } from "@multifrost/protocol";
import { describe, expect, it } from "vitest";
import type { Loss } from "../src/link.js";
import { cutOff, goneWorker, lostCall, notRunning } from "../src/loss-errors.js";

const killed: Loss = {
  kind: "exit",
  exit: { exitCode: null, signal: "SIGKILL", stderrTail: "", command: "node worker.mjs" },
};
const crashed: Loss = {
  kind: "exit",
  exit: { exitCode: 3, signal: null, stderrTail: "Error: no memory", command: "node worker.mjs" },
};
const cause = new ConnectionError("CONNECTION_LOST", "the socket");
const broken: Loss = { kind: "connection", endpoint: "tcp://127.0.0.1:4000", cause };

describe("a call that was waiting for its answer", () => {
  it("when the process ended: WorkerExitedError, a RemoteCallError, with code, signal, command and stderr", () => {
    const error = lostCall("add", "math", crashed);
    expect(error).toBeInstanceOf(WorkerExitedError);
    expect(error).toBeInstanceOf(RemoteCallError);
    expect(error).toMatchObject({
      code: "WORKER_EXITED",
      exitCode: 3,
      signal: null,
      stderrTail: "Error: no memory",
      command: "node worker.mjs",
      functionName: "add",
    });
    expect(error.message).toBe(
      "'add' got no answer: math ended (exit code 3): node worker.mjs\n" +
        "Restart it with restart(), or have it done with the option autoRestart. The last it wrote to stderr:\n" +
        "Error: no memory",
    );
  });

  it("when a signal ended it, and it said nothing", () => {
    expect(lostCall("add", "math", killed).message).toBe(
      "'add' got no answer: math ended (signal SIGKILL): node worker.mjs\n" +
        "Restart it with restart(), or have it done with the option autoRestart. It wrote nothing to stderr.",
    );
  });

  it("when the connection broke: ConnectionError CONNECTION_LOST", () => {
    const error = lostCall("add", "math", broken);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ code: "CONNECTION_LOST", endpoint: "tcp://127.0.0.1:4000", cause });
    expect(error.message).toBe(
      "'add' got no answer: the connection to math (tcp://127.0.0.1:4000) was lost. It may have run or not; calls made " +
        "from now on wait for the connection to come back.",
    );
  });

  it("when stop() or restart() has cut it off: NotRunningError that says how long it had", () => {
    expect(cutOff("add", "math", "stopped", 5000)).toMatchObject({
      code: "NOT_RUNNING",
      state: "stopped",
      message:
        "'add' got no answer: math was stopped, and calls in flight have 5000 ms to finish (stopTimeout). It may have run or not.",
    });
    expect(cutOff("add", "math", "restarting", 1).message).toMatch(/^'add' got no answer: math was restarted, /);
  });
});

describe("a call that was never sent", () => {
  it("to a worker that has ended", () => {
    expect(goneWorker("add", "math", killed).message).toBe(
      "'add' was not sent: math has ended (signal SIGKILL): node worker.mjs\n" +
        "Restart it with restart(), or have it done with the option autoRestart. It wrote nothing to stderr.",
    );
  });

  it("to a worker that could not be started again", () => {
    const exit = { exitCode: null, signal: null, stderrTail: "", command: "nonesuch worker.mjs" };
    expect(goneWorker("add", "math", { kind: "exit", exit }).message).toMatch(
      /^'add' was not sent: math has ended \(it could not be started\): nonesuch worker\.mjs\n/,
    );
  });

  it("over a connection that is lost for good", () => {
    expect(goneWorker("add", "math", broken)).toMatchObject({
      code: "CONNECTION_LOST",
      message: "'add' was not sent: the connection to math (tcp://127.0.0.1:4000) is lost for good.",
      cause,
    });
  });

  it("to a worker that is stopping", () => {
    expect(notRunning("add", "math", "stopping").message).toBe(
      "'add' was not sent: math is stopping. stop() was called; make a new worker to go on.",
    );
  });
});
