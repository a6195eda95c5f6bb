import { createCodec } from "@multifrost/protocol";
import type { LogRecord } from "@multifrost/reliability";
import { expect, it, vi } from "vitest";
import { createInstruments } from "../src/instruments.js";
import type { LifeConfig } from "../src/life-config.js";
import { type ParentOptions, resolveOptions } from "../src/options.js";

function instruments(given: ParentOptions) {
  const records: LogRecord[] = [];
  const take = (record: LogRecord): void => void records.push(record);
  const logger = { info: take, warn: take, error: take };
  const notify = vi.fn(() => true);
  const made = createInstruments({
    name: "math",
    serviceId: "math-service",
    codec: createCodec(),
    kind: "composed",
    given: { logger, ...given },
    options: resolveOptions(given),
    notify,
    open: async () => {
      throw new Error("not opened here");
    },
  } satisfies LifeConfig);
  return { ...made, records, notify };
}

it("each change of the circuit is an event, a log record with worker and service id, and counted", () => {
  const { breaker, records, notify, metrics } = instruments({});
  breaker.trip("heartbeats lost");
  breaker.close("heartbeats answered");
  expect(notify.mock.calls).toMatchObject([
    ["circuit", { from: "closed", to: "open", reason: "heartbeats lost" }],
    ["circuit", { from: "open", to: "closed", reason: "heartbeats answered" }],
  ]);
  const ids = { workerId: "math", serviceId: "math-service" };
  expect(records).toMatchObject([
    { event: "circuit_open", message: "The circuit to math went from closed to open: heartbeats lost.", ...ids },
    { event: "circuit_close", message: "The circuit to math went from open to closed: heartbeats answered.", ...ids },
  ]);
  expect(metrics.snapshot()).toMatchObject({
    circuitBreakerTrips: 1,
    circuitBreakerResets: 1,
    circuitBreakerState: "closed",
  });
});

it("the circuit opens for circuitResetTimeout, also where that is above the 30 s at which doubling ends", () => {
  const { breaker } = instruments({ circuitResetTimeout: 60 });
  breaker.trip("x");
  expect((breaker.retryAt as Date).getTime() - Date.now()).toBeGreaterThan(50_000);
});

it("the breaker's threshold is maxRestartAttempts", () => {
  const { breaker } = instruments({ maxRestartAttempts: 2 });
  for (const _failure of [1, 2]) {
    expect(breaker.state).toBe("closed");
    const ticket = breaker.admit();
    breaker.failure(ticket as Extract<typeof ticket, { admitted: true }>);
  }
  expect(breaker.state).toBe("open");
});
