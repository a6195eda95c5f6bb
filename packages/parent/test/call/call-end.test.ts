import { AbortError, ConnectionError, type ErrorCode, RemoteCallError, TimeoutError } from "@multifrost/protocol";
import { EVENT_LEVELS } from "@multifrost/protocol/internal";
import { CircuitBreaker, createFailureRule, EventLog, type LogRecord, Metrics } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/reliability/testing";
import { describe, expect, it } from "vitest";
import { callBegan, callEnded } from "../../src/call/call-end.js";
import type { CallOutcome, PendingCall } from "../../src/call/pending-calls.js";

function observed() {
  const clock = createFakeClock();
  const records: LogRecord[] = [];
  const logger = { debug: add, info: add, warn: add, error: add };
  function add(record: LogRecord): void {
    records.push(record);
  }
  const breaker = new CircuitBreaker({ clock, failureThreshold: 2 });
  const metrics = new Metrics({ clock });
  const observers = {
    clock,
    breaker,
    metrics,
    events: new EventLog({ levels: EVENT_LEVELS, clock, logger }),
    isFailure: createFailureRule(),
  };
  return { clock, records, breaker, metrics, observers };
}

function callWith(breaker: ReturnType<typeof observed>["breaker"], clock: { now(): number }): PendingCall {
  const ticket = breaker.admit();
  if (!ticket.admitted) {
    throw new Error("not admitted");
  }
  const nothing = (): void => {};
  const rest = { resolve: nothing, reject: nothing, sent: true, deadline: undefined, unlisten: undefined };
  const bytes = new Uint8Array();
  return { id: "id-1", name: "add", bytes, ticket, startedAt: clock.now(), correlationId: "corr", ...rest };
}

const failed = (error: Error): CallOutcome => ({ ok: false, error });
const remote = (code: ErrorCode): Error => new RemoteCallError("x", { code, remoteMessage: "x" });

describe("the end of a call", () => {
  it("is counted, timed and logged with request and correlation id", () => {
    const { clock, records, metrics, breaker, observers } = observed();
    const call = callWith(breaker, clock);
    callBegan(call, observers);
    expect(metrics.snapshot().queueDepth).toBe(1);
    clock.advance(20);
    callEnded(call, { ok: true, value: 3 }, observers);
    const ids = { requestId: "id-1", correlationId: "corr", functionName: "add" };
    expect(records).toMatchObject([
      { event: "request_start", ...ids },
      { event: "request_end", durationMs: 20, ...ids },
    ]);
    expect(metrics.snapshot()).toMatchObject({ requestsTotal: 1, requestsSuccess: 1, queueDepth: 0 });
  });

  it.each([
    ["request_timeout", new TimeoutError("late", { timeoutMs: 5 })],
    ["request_error", remote("REMOTE_ERROR")],
  ])("a failure is logged as %s, with the error", (event, error) => {
    const { clock, records, breaker, observers } = observed();
    callEnded(callWith(breaker, clock), failed(error), observers);
    expect(records).toMatchObject([{ event, err: error }]);
  });

  it.each([
    ["an error thrown by the method", remote("REMOTE_ERROR"), 1],
    ["a timeout", new TimeoutError("late", { timeoutMs: 5 }), 1],
    ["a function that is not there", remote("FUNCTION_NOT_FOUND"), 0],
    ["a wrong namespace", remote("WRONG_NAMESPACE"), 0],
    ["an abort", new AbortError("x"), 0],
    ["an exit, which is counted once where it is noticed", remote("WORKER_EXITED"), 0],
    ["a lost connection, likewise", new ConnectionError("CONNECTION_LOST", "x"), 0],
    ["waiting in vain for it, likewise", new ConnectionError("UNREACHABLE", "x"), 0],
  ])("%s: failures of the worker: %#", (_what, error, failures) => {
    const { clock, breaker, observers } = observed();
    callEnded(callWith(breaker, clock), failed(error), observers);
    expect(breaker.failures).toBe(failures);
  });

  it("an error that isFailure exempts is none", () => {
    const { clock, breaker, observers } = observed();
    const isFailure = createFailureRule((error) => (error as RemoteCallError).remoteName !== "ValidationError");
    const failure = { remoteName: "ValidationError", remoteMessage: "bad" };
    callEnded(callWith(breaker, clock), failed(new RemoteCallError("bad", failure)), { ...observers, isFailure });
    expect(breaker.failures).toBe(0);
  });
});
