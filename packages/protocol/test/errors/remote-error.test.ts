import { expect, it } from "vitest";
import { RemoteCallError, WorkerExitedError } from "../../src/errors/index.js";

it("[CALL-2] [MSG-9] a RemoteCallError has the worker's error and the method", () => {
  const error = new RemoteCallError("'f' failed", {
    remoteName: "ValueError",
    remoteMessage: "no",
    remoteStack: "Traceback …",
    remoteCode: "E_NO",
    remoteData: { status: 404 },
    functionName: "f",
  });
  expect(error).toMatchObject({
    name: "RemoteCallError",
    code: "REMOTE_ERROR",
    message: "'f' failed",
    remoteName: "ValueError",
    remoteMessage: "no",
    remoteStack: "Traceback …",
    remoteCode: "E_NO",
    remoteData: { status: 404 },
    functionName: "f",
  });
});

it("[CALL-2] a refusal is a RemoteCallError with the code of the refusal", () => {
  const error = new RemoteCallError("m", { code: "FUNCTION_NOT_FOUND", remoteMessage: "Function 'x' not found" });
  expect(error).toMatchObject({ code: "FUNCTION_NOT_FOUND", remoteName: "Error", remoteStack: undefined });
});

it("[CALL-2] a WorkerExitedError is a RemoteCallError with how the process ended", () => {
  const exit = {
    exitCode: null,
    signal: "SIGKILL",
    stderrTail: "the end",
    command: "node w.js",
    stdoutTail: "",
    uptimeMs: 1_200,
    callsInFlight: 0,
    hint: undefined,
  };
  const error = new WorkerExitedError("gone", { ...exit, functionName: "f" });
  expect(error).toBeInstanceOf(RemoteCallError);
  expect(error).toMatchObject({
    ...exit,
    name: "WorkerExitedError",
    code: "WORKER_EXITED",
    remoteMessage: "gone",
    functionName: "f",
  });
});
