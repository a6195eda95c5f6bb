import {
  AbortError,
  ConnectionError,
  type ErrorCode,
  RemoteCallError,
  TimeoutError,
} from "@multifrost/protocol/errors";
import { createFakeClock } from "@multifrost/testing";
import { describe, expect, it } from "vitest";
import { type MeasuredCall, reportFailure, reportResult, reportStart } from "../../src/calls/call-telemetry.js";
import { parentParts } from "../support/context.js";

function measured(given: Parameters<typeof parentParts>[0] = {}) {
  const clock = createFakeClock();
  const { telemetry, records } = parentParts(given, undefined, clock);
  const ticket = telemetry.breaker.admit();
  if (!ticket.admitted) {
    throw new Error("not admitted");
  }
  const call: MeasuredCall = {
    id: "id-1",
    name: "add",
    ticket,
    methodTicket: undefined,
    sentOn: {},
    startedAt: clock.now(),
    correlationId: "corr",
  };
  return { clock, telemetry, records, call };
}

const remote = (code: ErrorCode): Error => new RemoteCallError("x", { code, remoteMessage: "x" });

describe("the end of a call", () => {
  it("is counted, timed and logged with request and correlation id", () => {
    const { clock, records, telemetry, call } = measured();
    reportStart(call, telemetry);
    expect(telemetry.metrics.snapshot().queueDepth).toBe(1);
    clock.advance(20);
    reportResult(call, clock.now(), telemetry);
    const ids = { requestId: "id-1", correlationId: "corr", functionName: "add" };
    expect(records.map(([, record]) => record)).toMatchObject([
      { event: "request_start", ...ids },
      { event: "request_end", durationMs: 20, ...ids },
    ]);
    expect(telemetry.metrics.snapshot()).toMatchObject({ requestsTotal: 1, requestsSuccess: 1, queueDepth: 0 });
  });

  it.each([
    ["request_timeout", new TimeoutError("late", { timeoutMs: 5 })],
    ["request_error", remote("REMOTE_ERROR")],
  ])("a failure is logged as %s, with the error", (event, error) => {
    const { records, telemetry, call } = measured();
    reportFailure(call, error, telemetry);
    expect(records.map(([, record]) => record)).toMatchObject([{ event, err: error }]);
  });

  it.each([
    ["an error thrown by the method, which counts against the method", remote("REMOTE_ERROR"), 0],
    ["a timeout", new TimeoutError("late", { timeoutMs: 5 }), 1],
    ["a function that does not exist", remote("FUNCTION_NOT_FOUND"), 0],
    ["a wrong namespace", remote("WRONG_NAMESPACE"), 0],
    ["a worker that is stopping", remote("STOPPING"), 0],
    ["an abort", new AbortError("x"), 0],
    ["an exit, which is counted once where it is noticed", remote("WORKER_EXITED"), 0],
    ["a lost connection, likewise", new ConnectionError("CONNECTION_LOST", "x"), 0],
    ["a connection that does not come back, likewise", new ConnectionError("UNREACHABLE", "x"), 0],
  ])("%s: failures of the worker: %#", (_what, error, failures) => {
    const { telemetry, call } = measured();
    reportFailure(call, error, telemetry);
    expect(telemetry.breaker.failures).toBe(failures);
  });

  it("a call that timed out before it was sent is no failure of the worker", () => {
    const { telemetry, call } = measured();
    reportFailure({ ...call, sentOn: undefined }, new TimeoutError("late", { timeoutMs: 5 }), telemetry);
    expect(telemetry.breaker.failures).toBe(0);
  });

  it("an error thrown by the method is a failure of this method, and shows that the worker answers", () => {
    const { telemetry, call } = measured();
    reportFailure(call, new TimeoutError("late", { timeoutMs: 5 }), telemetry);
    expect(telemetry.breaker.failures).toBe(1);
    reportFailure(call, remote("REMOTE_ERROR"), telemetry);
    expect([telemetry.breaker.failures, telemetry.methods.size]).toEqual([0, 1]);
    reportResult(call, 0, telemetry);
    expect(telemetry.methods.size).toBe(0);
  });

  it("an error that isFailure exempts does not count", () => {
    const isFailure = (error: unknown) => (error as RemoteCallError).remoteName !== "ValidationError";
    const { telemetry, call } = measured({ isFailure });
    reportFailure(call, new RemoteCallError("bad", { remoteName: "ValidationError", remoteMessage: "bad" }), telemetry);
    expect([telemetry.breaker.failures, telemetry.methods.size]).toEqual([0, 0]);
  });
});
