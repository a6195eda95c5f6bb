import {
  AbortError,
  ConnectionError,
  type ErrorCode,
  MultifrostError,
  OverloadError,
  RemoteCallError,
  TimeoutError,
  WorkerExitedError,
} from "@multifrost/protocol/errors";
import { createFailureRule, isWorkerFailure } from "@multifrost/reliability";
import { describe, expect, test, vi } from "vitest";

const remote = (code: ErrorCode): RemoteCallError => new RemoteCallError("x", { code, remoteMessage: "x" });

describe("the default rule", () => {
  const exit = {
    exitCode: 1,
    signal: null,
    stderrTail: "",
    command: "node worker.js",
    stdoutTail: "",
    uptimeMs: 1_200,
    callsInFlight: 0,
    hint: undefined,
  };
  const failures: [string, unknown][] = [
    ["an error thrown by the method", remote("REMOTE_ERROR")],
    ["the worker's exit", new WorkerExitedError("x", exit)],
    ["a timeout", new TimeoutError("x", { timeoutMs: 1 })],
    ["a lost connection", new ConnectionError("CONNECTION_LOST", "x")],
    ["an unreachable worker", new ConnectionError("UNREACHABLE", "x")],
    ["an error of another library", new TypeError("fetch failed")],
    ["a value that is not an error", undefined],
    ["a code from a newer version", new MultifrostError("FROM_THE_FUTURE" as ErrorCode, "x")],
  ];
  test.each(failures)("%s counts", (_name, error) => {
    expect(isWorkerFailure(error)).toBe(true);
  });

  const others: [string, unknown][] = [
    ["an unknown method", remote("FUNCTION_NOT_FOUND")],
    ["a member that is not a method", remote("NOT_CALLABLE")],
    ["a private method", remote("PRIVATE_METHOD")],
    ["a call without a method", remote("MISSING_FUNCTION")],
    ["another namespace", remote("WRONG_NAMESPACE")],
    ["an abort", new AbortError("x")],
    ["overload", new OverloadError("x", { limit: 1 })],
    ["a value that cannot be sent", new MultifrostError("UNSENDABLE_VALUE", "x")],
    ["a message too large", new MultifrostError("MESSAGE_TOO_LARGE", "x")],
    ["a call refused by the breaker", new MultifrostError("CIRCUIT_OPEN", "x")],
    ["a call to a worker that is not started", new MultifrostError("NOT_RUNNING", "x")],
  ];
  test.each(others)("%s does not count", (_name, error) => {
    expect(isWorkerFailure(error)).toBe(false);
  });
});

describe("a user's rule", () => {
  test("exempts errors that count by default", () => {
    const rule = createFailureRule(
      (error) => !(error instanceof RemoteCallError && error.remoteName === "ValidationError"),
    );
    const details = { remoteName: "ValidationError", remoteMessage: "x" };
    expect(rule(new RemoteCallError("x", details))).toBe(false);
    expect(rule(remote("REMOTE_ERROR"))).toBe(true);
  });

  test("is not asked about errors that do not count by default", () => {
    const isFailure = vi.fn(() => true);
    const rule = createFailureRule(isFailure);
    expect(rule(remote("FUNCTION_NOT_FOUND"))).toBe(false);
    expect(isFailure).not.toHaveBeenCalled();
  });

  test("exempts nothing when it throws", () => {
    const rule = createFailureRule(() => {
      throw new Error("the user's own");
    });
    expect(rule(remote("REMOTE_ERROR"))).toBe(true);
  });

  test("defaults to the default rule", () => {
    expect(createFailureRule()).toBe(isWorkerFailure);
  });
});
