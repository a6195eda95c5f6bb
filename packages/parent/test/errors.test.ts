import { ConnectionError, RemoteCallError, WorkerExitedError } from "@multifrost/protocol/errors";
import { describe, expect, it } from "vitest";
import {
  callLost,
  cutOff,
  describeExit,
  exitedEarly,
  type Loss,
  notRunning,
  startedTooLate,
  workerGone,
} from "../src/errors.js";

const nothing = { stdoutTail: "", uptimeMs: 1_200, callsInFlight: 0, hint: undefined };

const killed: Loss = {
  kind: "exit",
  exit: { ...nothing, exitCode: null, signal: "SIGKILL", stderrTail: "", command: "node worker.mjs" },
};
const crashed: Loss = {
  kind: "exit",
  exit: { ...nothing, exitCode: 3, signal: null, stderrTail: "Error: no memory", command: "node worker.mjs" },
};
const cause = new ConnectionError("CONNECTION_LOST", "the socket");
const broken: Loss = { kind: "connection", endpoint: "tcp://127.0.0.1:4000", cause };

describe("a call that was waiting for its answer", () => {
  it("when the process ended: WorkerExitedError, a RemoteCallError, with code, signal, command and stderr", () => {
    const error = callLost("add", "math", crashed);
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
      "'add' got no answer: math ended (exit code 3): node worker.mjs. Restart it with restart(), or set the option " +
        "autoRestart. The last it wrote to stderr is in stderrTail.",
    );
  });

  it("when a signal ended it, and it wrote nothing", () => {
    expect(callLost("add", "math", killed).message).toBe(
      "'add' got no answer: math ended (signal SIGKILL): node worker.mjs. " +
        "Restart it with restart(), or set the option autoRestart. It wrote nothing to stderr.",
    );
  });

  it("when the connection broke: ConnectionError CONNECTION_LOST", () => {
    const error = callLost("add", "math", broken);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ code: "CONNECTION_LOST", endpoint: "tcp://127.0.0.1:4000", cause });
    expect(error.message).toBe(
      "'add' got no answer: the connection to math (tcp://127.0.0.1:4000) was lost. It may have run or not; calls made " +
        "from now on wait for the connection to come back.",
    );
  });

  it("when stop() or restart() cut it off: NotRunningError with how long it had", () => {
    expect(cutOff("add", "math", "stopped", 5000)).toMatchObject({
      code: "NOT_RUNNING",
      state: "stopped",
      message:
        "'add' got no answer: math was stopped, and calls in flight have 5000 ms to finish (stopTimeout). It may have run or not.",
    });
    expect(cutOff("add", "math", "restarted", 1).message).toMatch(/^'add' got no answer: math was restarted, /);
  });
});

describe("a call that was never sent", () => {
  it("to a worker that has ended", () => {
    expect(workerGone("add", "math", killed).message).toBe(
      "'add' was not sent: math has ended (signal SIGKILL): node worker.mjs. " +
        "Restart it with restart(), or set the option autoRestart. It wrote nothing to stderr.",
    );
  });

  it("to a worker that could not be started again", () => {
    const exit = { ...nothing, exitCode: null, signal: null, stderrTail: "", command: "nonesuch worker.mjs" };
    expect(workerGone("add", "math", { kind: "exit", exit }).message).toMatch(
      /^'add' was not sent: math has ended \(it could not be started\): nonesuch worker\.mjs\. [^\n]+$/,
    );
  });

  it("over a connection that is lost for good", () => {
    expect(workerGone("add", "math", broken)).toMatchObject({
      code: "CONNECTION_LOST",
      message: "'add' was not sent: the connection to math (tcp://127.0.0.1:4000) is lost for good.",
      cause,
    });
  });

  it("to a worker that is stopping", () => {
    expect(notRunning("add", "math", "stopping").message).toBe(
      "'add' was not sent: math is stopping. stop() was called; create a new worker to go on.",
    );
  });
});

describe("a worker that could not be started", () => {
  it("ended first: EXITED_EARLY with how, and what it wrote", () => {
    const exit = { ...nothing, exitCode: 1, signal: null, stderrTail: "SyntaxError: x", command: "node worker.mjs" };
    const error = exitedEarly(exit);
    expect(error).toMatchObject({ name: "SpawnError", code: "EXITED_EARLY", ...exit });
    expect(error.message).toBe(
      "The worker ended before it could be reached (exit code 1): node worker.mjs\nThe last it wrote to stderr:\nSyntaxError: x",
    );
  });

  it("ended first and wrote nothing: a hint", () => {
    const exit = { ...nothing, exitCode: 0, signal: null, stderrTail: "", command: "node worker.mjs" };
    expect(exitedEarly(exit).message).toBe(
      "The worker ended before it could be reached (exit code 0): node worker.mjs\n" +
        "It wrote nothing to stderr. Check that the script ends with `new MyWorker().run()`.",
    );
  });

  it("was too late: START_TIMEOUT with the last it wrote", () => {
    const exit = { ...nothing, exitCode: null, signal: "SIGTERM", stderrTail: "loading", command: "node worker.mjs" };
    const error = startedTooLate(exit, 5, undefined);
    expect(error).toMatchObject({ code: "START_TIMEOUT", exitCode: null, signal: "SIGTERM", stderrTail: "loading" });
    expect(error.message).toBe(
      "The worker did not connect within 5 ms (startTimeout) and was ended: node worker.mjs\n" +
        "Check that the script calls `new MyWorker().run()`; a slow start needs a larger startTimeout.\n" +
        "The last it wrote to stderr:\nloading",
    );
  });

  it("was too late with its heartbeat: the app id may be another", () => {
    const exit = { ...nothing, exitCode: 0, signal: null, stderrTail: "", command: "node worker.mjs" };
    expect(startedTooLate(exit, 5, "mine").message).toBe(
      "The worker connected, but answered no heartbeat within 5 ms (startTimeout) and was ended: node worker.mjs\n" +
        "Check that its option app is this parent's, 'mine', and that its start does not block the event loop.",
    );
  });
});

it("an exit is described by its code, its signal, or neither", () => {
  expect(describeExit({ exitCode: 7, signal: null })).toBe("exit code 7");
  expect(describeExit({ exitCode: null, signal: "SIGSEGV" })).toBe("signal SIGSEGV");
  expect(describeExit({ exitCode: null, signal: null })).toBe("it could not be started");
});
