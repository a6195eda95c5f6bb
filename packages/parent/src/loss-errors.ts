// What callers are told when the worker, or the way to it, is gone or not there yet.

import { ConnectionError, type ExitDetails, NotRunningError, WorkerExitedError } from "@multifrost/protocol";
import type { Loss } from "./link.js";
import { describeExit } from "./spawn/wait-until-ready.js";
import type { ParentState } from "./state.js";

/** What to do in the states in which calls are refused. */
const NEXT_STEP: Readonly<Partial<Record<ParentState, string>>> = {
  idle: "Call `await worker.start()` first.",
  starting: "Wait for `await worker.start()` first.",
  stopping: "stop() was called; make a new worker to go on.",
  stopped: "stop() was called; make a new worker to go on.",
};

/** The error for a call to a worker that is not there to take it. */
export function notRunning(functionName: string, workerName: string, state: ParentState): NotRunningError {
  const doing = state === "idle" ? "not started" : state;
  return new NotRunningError(`'${functionName}' was not sent: ${workerName} is ${doing}. ${NEXT_STEP[state] ?? ""}`, {
    state,
  });
}

/** The error for a call that was sent and had no answer when its worker was stopped or restarted. */
export function cutOff(
  functionName: string,
  workerName: string,
  state: "stopped" | "restarting",
  stopTimeoutMs: number,
): NotRunningError {
  const done = state === "stopped" ? "stopped" : "restarted";
  const message =
    `'${functionName}' got no answer: ${workerName} was ${done}, and calls in flight have ${stopTimeoutMs} ms to finish ` +
    "(stopTimeout). It may have run or not.";
  return new NotRunningError(message, { state });
}

/** The error for a call that was waiting for its answer. */
export function lostCall(functionName: string, workerName: string, loss: Loss): Error {
  if (loss.kind === "exit") {
    return workerExited(`'${functionName}' got no answer: ${workerName} ended`, functionName, loss.exit);
  }
  const message =
    `'${functionName}' got no answer: the connection to ${workerName} (${loss.endpoint}) was lost. ` +
    "It may have run or not; calls made from now on wait for the connection to come back.";
  return new ConnectionError("CONNECTION_LOST", message, { endpoint: loss.endpoint, cause: loss.cause });
}

/** The error for a call to a worker that has ended and is not restarted. */
export function goneWorker(functionName: string, workerName: string, loss: Loss): Error {
  if (loss.kind === "exit") {
    return workerExited(`'${functionName}' was not sent: ${workerName} has ended`, functionName, loss.exit);
  }
  const message = `'${functionName}' was not sent: the connection to ${workerName} (${loss.endpoint}) is lost for good.`;
  return new ConnectionError("CONNECTION_LOST", message, { endpoint: loss.endpoint, cause: loss.cause });
}

function workerExited(what: string, functionName: string, exit: ExitDetails): WorkerExitedError {
  const tail =
    exit.stderrTail === "" ? "It wrote nothing to stderr." : `The last it wrote to stderr:\n${exit.stderrTail}`;
  const message =
    `${what} (${describeExit(exit)}): ${exit.command}\n` +
    `Restart it with restart(), or have it done with the option autoRestart. ${tail}`;
  return new WorkerExitedError(message, { ...exit, functionName });
}
