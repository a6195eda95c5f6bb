import { describe, expect, it, vi } from "vitest";
import { parentParts } from "../support/context.js";

describe("the circuit breaker", () => {
  it("each change is an event, a log record with worker and service id, and counted", () => {
    const { telemetry, records, emitted } = parentParts();
    telemetry.breaker.trip("heartbeats lost");
    telemetry.breaker.close("heartbeats answered");
    expect(emitted).toMatchObject([
      ["circuit", { from: "closed", to: "open", reason: "heartbeats lost" }],
      ["circuit", { from: "open", to: "closed", reason: "heartbeats answered" }],
    ]);
    const ids = { workerId: "math", serviceId: "math-service" };
    expect(records.map(([, record]) => record)).toMatchObject([
      { event: "circuit_open", message: "The circuit to math went from closed to open: heartbeats lost.", ...ids },
      { event: "circuit_close", message: "The circuit to math went from open to closed: heartbeats answered.", ...ids },
    ]);
    expect(telemetry.metrics.snapshot()).toMatchObject({
      circuitBreakerTrips: 1,
      circuitBreakerResets: 1,
      circuitBreakerState: "closed",
    });
  });

  it("opens for circuitResetTimeout, even above the 30 s at which doubling ends", () => {
    const { breaker } = parentParts({ circuitResetTimeout: 60 }).telemetry;
    breaker.trip("x");
    expect((breaker.retryAt?.getTime() ?? 0) - Date.now()).toBeGreaterThan(50_000);
  });

  it("opens after maxRestartAttempts failures in a row", () => {
    const { breaker } = parentParts({ maxRestartAttempts: 2 }).telemetry;
    for (const _failure of [1, 2]) {
      expect(breaker.state).toBe("closed");
      const ticket = breaker.admit();
      breaker.failure(ticket as Extract<typeof ticket, { admitted: true }>);
    }
    expect(breaker.state).toBe("open");
  });
});

it.each([
  [true, "warn"],
  [false, "info"],
])("an exit is an event and a log record; unexpected: %s, level: %s", (unexpected, level) => {
  const { telemetry, records, emitted } = parentParts();
  const exit = {
    exitCode: 1,
    signal: null,
    stderrTail: "oh",
    command: "node worker.mjs",
    stdoutTail: "",
    uptimeMs: 1_200,
    callsInFlight: 2,
    hint: "Look at its log.",
  };
  telemetry.reportExit(exit, unexpected);
  expect(emitted).toEqual([["exit", exit]]);
  expect(records).toMatchObject([
    [
      level,
      {
        event: "process_exit",
        message: "The process of math ended (exit code 1) after 1.2 s with 2 calls in flight. Look at its log.",
      },
    ],
  ]);
  // Its stderr was shown as it came.
  expect(records[0]?.[1].details).toEqual({
    exitCode: 1,
    signal: null,
    command: "node worker.mjs",
    uptimeMs: 1_200,
    callsInFlight: 2,
  });
});

it("messages are emitted only where there is a listener", () => {
  const { telemetry, emitter, emitted } = parentParts();
  const message = { type: "ready", id: "1", timestamp: 1 } as const;
  telemetry.notifyMessage(message);
  expect(emitted).toEqual([]);
  const onMessage = vi.fn();
  emitter.on("message", onMessage);
  telemetry.notifyMessage(message);
  expect(onMessage).toHaveBeenCalledExactlyOnceWith(message);
});
