// The errors a parent raises itself. Each message says what happened, to what, and what to do next.

import {
  AbortError,
  CircuitOpenError,
  ConnectionError,
  type ErrorCode,
  type ExitDetails,
  MultifrostError,
  NotRunningError,
  OverloadError,
  RemoteCallError,
  type RemoteFailure,
  SpawnError,
  TimeoutError,
  WorkerExitedError,
  WorkerFailedError,
} from "@multifrost/protocol/errors";
import type { ParentState } from "./events.js";

/** Why a connection is gone, or the worker with it. */
export type Loss =
  | {
      readonly kind: "exit";
      readonly exit: ExitDetails;
      /** Its last ends, where it was given up after several. */
      readonly exits?: readonly ExitDetails[];
    }
  | { readonly kind: "connection"; readonly endpoint: string; readonly cause?: MultifrostError };

/** `exit code 1`, `signal SIGKILL`; `it could not be started` where it never ran. */
export function describeExit({ exitCode, signal }: Pick<ExitDetails, "exitCode" | "signal">): string {
  if (signal !== null) {
    return `signal ${signal}`;
  }
  return exitCode === null ? "it could not be started" : `exit code ${exitCode}`;
}

/** `15 s`, `0.6 s`. */
export function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

// Calls that were refused.

const NEXT_STEP: Readonly<Partial<Record<ParentState, string>>> = {
  idle: "Call `await worker.start()` first.",
  starting: "Wait for `await worker.start()` first.",
  stopping: "stop() was called; create a new worker to go on.",
  stopped: "stop() was called; create a new worker to go on.",
};

/** A call was made while no worker can take it. */
export function notRunning(functionName: string, workerName: string, state: ParentState): NotRunningError {
  const doing = state === "idle" ? "not started" : state;
  return new NotRunningError(`'${functionName}' was not sent: ${workerName} is ${doing}. ${NEXT_STEP[state] ?? ""}`, {
    state,
  });
}

/** A call was made to a worker that is gone and is not restarted. */
export function workerGone(functionName: string, workerName: string, loss: Loss): Error {
  if (loss.kind === "exit" && loss.exits !== undefined) {
    return workerFailed(functionName, workerName, loss.exit, loss.exits);
  }
  if (loss.kind === "exit") {
    return workerExited(`'${functionName}' was not sent: ${workerName} has ended`, functionName, loss);
  }
  const message = `'${functionName}' was not sent: the connection to ${workerName} (${loss.endpoint}) is lost for good.`;
  return new ConnectionError("CONNECTION_LOST", message, { endpoint: loss.endpoint, cause: loss.cause });
}

/** The caller's signal fired. */
export function aborted(functionName: string, signal: AbortSignal, when: string): AbortError {
  return new AbortError(`'${functionName}' was aborted ${when}.`, { cause: signal.reason });
}

/**
 * Too many calls wait for an answer. Without a stack, which takes most of an error's memory and time: such errors come by the
 * thousand, when there is least room for them.
 */
export function overloaded(
  functionName: string,
  workerName: string,
  option: "maxPending" | "maxPendingBytes",
  limit: number,
): OverloadError {
  const what = option === "maxPending" ? `${limit} calls` : `calls of ${limit} bytes or more together`;
  const message =
    `'${functionName}' was not sent: ${what} to ${workerName} are waiting (${option}). ` +
    `Await some of them first, use more workers, or raise ${option}.`;
  const { stackTraceLimit } = Error;
  // Where a program has frozen it, it stays as it is.
  Reflect.set(Error, "stackTraceLimit", 0);
  const error = new OverloadError(message, { limit, option });
  Reflect.set(Error, "stackTraceLimit", stackTraceLimit);
  return error;
}

/** The circuit breaker is open. */
export function circuitOpen(functionName: string, workerName: string, retryAt: Date): CircuitOpenError {
  return new CircuitOpenError(
    `'${functionName}' was not sent: the circuit to ${workerName} is open after repeated failures. The next trial call ` +
      `can go out at ${retryAt.toISOString()}; resetCircuit() closes it now.`,
    { retryAt },
  );
}

/** The circuit of a method is open. */
export function methodCircuitOpen(functionName: string, workerName: string, retryAt: Date): CircuitOpenError {
  return new CircuitOpenError(
    `'${functionName}' was not sent: in ${workerName} it failed again and again, so that its circuit is open; other methods can be ` +
      `called. The next trial call can go out at ${retryAt.toISOString()}; resetCircuit() closes it now. Errors that are no ` +
      "failure of the method can be exempted with the option isFailure.",
    { retryAt },
  );
}

// Calls that got an error, or no answer.

/** What a method threw, or why the worker refused the call. */
export function failedInWorker(
  workerName: string,
  failure: RemoteFailure & { remoteName: string; functionName: string },
): RemoteCallError {
  const text =
    failure.code === undefined
      ? `'${failure.functionName}' failed in ${workerName}: ${failure.remoteName}: ${failure.remoteMessage}`
      : `${workerName}: ${failure.remoteMessage}`;
  return new RemoteCallError(text, failure);
}

/** A call's time is up. */
export function timedOut(functionName: string, workerName: string, timeoutMs: number, sent: boolean): TimeoutError {
  const message =
    `'${functionName}' timed out after ${timeoutMs} ms. ` +
    (sent
      ? `No answer came; ${workerName} may still be running it`
      : "It waited for the worker to come back; it was never sent") +
    ". Give it more with withOptions({ timeout }), or look at what the worker does.";
  return new TimeoutError(message, { timeoutMs, functionName });
}

/** A call without a timeout waited for a restart or reconnect that took too long. */
export function notBack(functionName: string, workerName: string, startTimeoutMs: number): ConnectionError {
  const message = `'${functionName}' was not sent: ${workerName} did not come back within ${startTimeoutMs} ms (startTimeout).`;
  return new ConnectionError("UNREACHABLE", message);
}

/** The worker, or the connection to it, was lost while the call waited for its answer. */
export function callLost(functionName: string, workerName: string, loss: Loss): Error {
  if (loss.kind === "exit") {
    return workerExited(`'${functionName}' got no answer: ${workerName} ended`, functionName, loss);
  }
  const message =
    `'${functionName}' got no answer: the connection to ${workerName} (${loss.endpoint}) was lost. ` +
    "It may have run or not; calls made from now on wait for the connection to come back.";
  return new ConnectionError("CONNECTION_LOST", message, { endpoint: loss.endpoint, cause: loss.cause });
}

/** The worker was stopped or restarted before the call was answered. */
export function cutOff(
  functionName: string,
  workerName: string,
  done: "stopped" | "restarted" | "reloaded",
  stopTimeoutMs: number,
): NotRunningError {
  const message =
    `'${functionName}' got no answer: ${workerName} was ${done}, and calls in flight have ${stopTimeoutMs} ms to finish ` +
    "(stopTimeout). It may have run or not.";
  return new NotRunningError(message, { state: done === "stopped" ? "stopped" : "restarting" });
}

/** How many of the last ends the message of an error lists; its field has them all. */
const LISTED_ENDS = 5;

function workerFailed(
  functionName: string,
  workerName: string,
  exit: ExitDetails,
  exits: readonly ExitDetails[],
): WorkerFailedError {
  const ends = exits.slice(-LISTED_ENDS).map((each) => `${describeExit(each)} after ${inSeconds(each.uptimeMs)}`);
  const message =
    `'${functionName}' was not sent: ${workerName} has failed: it ended again and again, or did not start again ` +
    `(maxRestartAttempts). The last ends: ${ends.join(", ")}. ${exit.hint === undefined ? "" : `${exit.hint} `}` +
    "Details are in exits; restart() starts it again.";
  return new WorkerFailedError(message, { ...exit, exits, functionName });
}

function workerExited(what: string, functionName: string, { exit }: Loss & { kind: "exit" }): WorkerExitedError {
  // One line, without what it wrote: many calls may end like this, and all show it otherwise.
  const tail = exit.stderrTail === "" ? "It wrote nothing to stderr." : "The last it wrote to stderr is in stderrTail.";
  const advice = exit.hint ?? "Restart it with restart(), or set the option autoRestart.";
  const message = `${what} (${describeExit(exit)}): ${exit.command}. ${advice} ${tail}`;
  return new WorkerExitedError(message, { ...exit, functionName });
}

/** Why a worker is killed that answers no heartbeats. */
export function killedAsStalled(silentMs: number): string {
  return (
    `It was killed because it answered no heartbeat for ${inSeconds(silentMs)}: it computed, was suspended, or hung. Where ` +
    "that is right, give it more time with the option stallTimeout."
  );
}

/** Why a worker is ended whose connection broke while its process ran on: it cannot connect again. */
export const ENDED_WITHOUT_CONNECTION =
  "Its connection to this parent broke while it ran on, so it was ended. Look for what closed it: the worker itself, or a fault in it.";

// Workers that could not be started or reached.

/**
 * The worker's process cannot be started.
 *
 * @param hint What to do about it, where the message alone does not end with that.
 */
export function cannotSpawn(
  code: ErrorCode,
  message: string,
  command: string,
  cause?: unknown,
  hint?: string,
): SpawnError {
  return new SpawnError(code, message, { ...NEVER_RAN, command, cause, hint });
}

const NEVER_RAN = {
  exitCode: null,
  signal: null,
  stderrTail: "",
  stdoutTail: "",
  uptimeMs: 0,
  callsInFlight: 0,
} as const;

/** The worker ended before it could be reached. */
export function exitedEarly(exit: ExitDetails): SpawnError {
  const message =
    `The worker ended before it could be reached (${describeExit(exit)}): ${exit.command}\n` +
    (exit.hint === undefined ? "" : `${exit.hint}\n`) +
    (exit.stderrTail === ""
      ? "It wrote nothing to stderr. Check that the script ends with `new MyWorker().run()`."
      : `The last it wrote to stderr:\n${exit.stderrTail}`);
  return new SpawnError("EXITED_EARLY", message, exit);
}

/**
 * The worker's process ran but was not reachable in time, and was ended.
 *
 * @param app The app id of this parent, where the worker had connected.
 */
export function startedTooLate(exit: ExitDetails, timeoutMs: number, app: string | undefined): SpawnError {
  const [what, next] =
    app === undefined
      ? [
          "did not connect",
          "Check that the script calls `new MyWorker().run()`; a slow start needs a larger startTimeout.",
        ]
      : [
          "connected, but answered no heartbeat",
          `Check that its option app is this parent's, '${app}', and that its start does not block the event loop.`,
        ];
  const summary = `The worker ${what} within ${timeoutMs} ms (startTimeout) and was ended`;
  const message =
    `${summary}: ${exit.command}\n${next}` +
    (exit.stderrTail === "" ? "" : `\nThe last it wrote to stderr:\n${exit.stderrTail}`);
  return new SpawnError("START_TIMEOUT", message, { ...exit, hint: `${summary}. ${next}` });
}

/** No connection was made in time. */
export function noConnection(endpoint: string, timeoutMs: number): ConnectionError {
  const message =
    `No worker connected at ${endpoint} within ${timeoutMs} ms. Check that the worker is running there and was started ` +
    "with run() or start().";
  return new ConnectionError("UNREACHABLE", message, { endpoint });
}

/** A connection was made, but no heartbeat was answered on it in time. */
export function noHeartbeat(endpoint: string, timeoutMs: number, app: string): ConnectionError {
  const message =
    `Something listens at ${endpoint} but answered no heartbeat within ${timeoutMs} ms. Check that the service's option ` +
    `app is this parent's, '${app}'. Or the service has ended and another program has its port: start the service again.`;
  return new ConnectionError("UNREACHABLE", message, { endpoint });
}

/** The connection broke before it was in use. */
export function lostEarly(endpoint: string, cause: MultifrostError | undefined): ConnectionError {
  const message =
    `The connection to ${endpoint} was lost before a heartbeat was answered. Look at the worker's output, and start ` +
    "it again.";
  return new ConnectionError("CONNECTION_LOST", message, { endpoint, cause });
}

/** `start()` was called on a parent that was started before. */
export function startedBefore(workerName: string, state: ParentState): MultifrostError {
  const next =
    state === "exited" || state === "failed"
      ? "restart() starts it again."
      : state === "stopping" || state === "stopped"
        ? "Create a new worker to go on."
        : "It is enough to start it once.";
  return new MultifrostError("ALREADY_STARTED", `start() was called, but ${workerName} is ${state}. ${next}`);
}
