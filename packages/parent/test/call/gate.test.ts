import { ConnectionError } from "@multifrost/protocol";
import { CircuitBreaker } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/reliability/testing";
import { expect, it } from "vitest";
import { gate } from "../../src/call/gate.js";
import type { CallContext } from "../../src/call/outgoing-call.js";

function context(parts: Partial<CallContext> & { waiting?: number }): CallContext {
  const breaker = new CircuitBreaker({ clock: createFakeClock(), failureThreshold: 1 });
  const pending = { size: parts.waiting ?? 0 };
  return { workerName: "math", breaker, pending, maxPending: 1, absence: () => undefined, ...parts } as CallContext;
}

it("a call that may go has the breaker's ticket", () => {
  expect(gate("add", undefined, context({}))).toEqual({ admitted: true, trial: false });
});

it("the reasons against a call come in this order, and the breaker's trial is taken by none that fails before it", () => {
  const absent = new ConnectionError("CONNECTION_LOST", "gone");
  const breaker = new CircuitBreaker({ clock: createFakeClock(), failureThreshold: 1, resetTimeoutMs: 0 });
  breaker.trip("x");
  const fired = AbortSignal.abort();
  expect(() => gate("add", fired, context({ breaker, waiting: 1, absence: () => absent }))).toThrow(absent);
  expect(() => gate("add", fired, context({ breaker, waiting: 1 }))).toThrow(
    expect.objectContaining({ code: "ABORTED" }),
  );
  expect(() => gate("add", undefined, context({ breaker, waiting: 1 }))).toThrow(
    expect.objectContaining({ code: "OVERLOADED" }),
  );
  expect(gate("add", undefined, context({ breaker }))).toEqual({ admitted: true, trial: true });
  expect(() => gate("add", undefined, context({ breaker }))).toThrow(expect.objectContaining({ code: "CIRCUIT_OPEN" }));
});
