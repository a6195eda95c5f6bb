import { type CircuitState, Metrics } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/testing";
import { expect, test } from "vitest";

test("starts with counts of 0 and latencies of null, as plain JSON", () => {
  const snapshot = new Metrics({ clock: createFakeClock(5000) }).snapshot();
  expect(snapshot).toEqual({
    requestsTotal: 0,
    requestsSuccess: 0,
    requestsFailed: 0,
    errorRate: 0,
    latencyMs: { avg: null, min: null, max: null, p50: null, p95: null, p99: null, last: null },
    queueDepth: 0,
    queueMaxDepth: 0,
    circuitBreakerTrips: 0,
    circuitBreakerResets: 0,
    circuitBreakerState: "closed",
    heartbeat: { rttLastMs: null, rttAvgMs: null, misses: 0 },
    restarts: 0,
    reloads: 0,
    droppedMessages: 0,
    refusedConnections: 0,
    timestamp: 5000,
  });
  expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
});

test("counts calls started, succeeded and failed; the error rate is of settled calls", () => {
  const metrics = new Metrics({ clock: createFakeClock() });
  for (let i = 0; i < 6; i++) {
    metrics.requestStarted();
  }
  metrics.requestEnded(true, 1);
  metrics.requestEnded(true, 2);
  metrics.requestEnded(true, 3);
  metrics.requestEnded(false, 4);
  expect(metrics.snapshot()).toMatchObject({
    requestsTotal: 6,
    requestsSuccess: 3,
    requestsFailed: 1,
    errorRate: 0.25,
    queueDepth: 2,
    queueMaxDepth: 6,
    latencyMs: { avg: 2.5, min: 1, max: 4, last: 4 },
  });
});

test("keeps the largest queue depth when the queue empties and fills to less", () => {
  const metrics = new Metrics({ clock: createFakeClock() });
  metrics.requestStarted();
  metrics.requestStarted();
  metrics.requestEnded(true, 1);
  metrics.requestEnded(false, 1);
  metrics.requestStarted();
  expect(metrics.snapshot()).toMatchObject({ queueDepth: 1, queueMaxDepth: 2 });
});

test("counts each opening of the circuit as a trip and each closing as a reset", () => {
  const metrics = new Metrics({ clock: createFakeClock() });
  const changes: CircuitState[] = ["open", "half-open", "open", "half-open", "closed", "open"];
  for (const to of changes) {
    metrics.circuitChanged(to);
  }
  expect(metrics.snapshot()).toMatchObject({
    circuitBreakerTrips: 3,
    circuitBreakerResets: 1,
    circuitBreakerState: "open",
  });
});

test("asks for the circuit's state, which time alone can change", () => {
  let state: CircuitState = "open";
  const metrics = new Metrics({ clock: createFakeClock(), circuitState: () => state });
  metrics.circuitChanged("open");
  state = "half-open";
  expect(metrics.snapshot().circuitBreakerState).toBe("half-open");
});

test("reports the last round trip, the mean of all, and all misses", () => {
  const metrics = new Metrics({ clock: createFakeClock() });
  metrics.heartbeatAnswered(2);
  metrics.heartbeatAnswered(4);
  metrics.heartbeatMissed();
  metrics.heartbeatAnswered(3);
  metrics.heartbeatMissed();
  expect(metrics.snapshot().heartbeat).toEqual({ rttLastMs: 3, rttAvgMs: 3, misses: 2 });
});

test("counts restarts, reloads and dropped messages", () => {
  const metrics = new Metrics({ clock: createFakeClock() });
  metrics.restarted();
  metrics.reloaded();
  metrics.messageDropped();
  metrics.messageDropped();
  metrics.connectionRefused();
  expect(metrics.snapshot()).toMatchObject({ restarts: 1, reloads: 1, droppedMessages: 2, refusedConnections: 1 });
});

test("a snapshot does not change afterwards", () => {
  const clock = createFakeClock();
  const metrics = new Metrics({ clock });
  const before = metrics.snapshot();
  const copy = structuredClone(before);
  metrics.requestStarted();
  metrics.heartbeatMissed();
  clock.advance(10);
  expect(before).toEqual(copy);
  expect(metrics.snapshot()).toMatchObject({ requestsTotal: 1, timestamp: 10 });
});

test("latencies expire with the given window, counts stay", () => {
  const clock = createFakeClock();
  const metrics = new Metrics({ clock, latencyWindowMs: 600 });
  metrics.requestStarted();
  metrics.requestEnded(true, 9);
  clock.advance(600);
  expect(metrics.snapshot()).toMatchObject({ requestsSuccess: 1, latencyMs: { max: null, last: 9 } });
});

test("two instances share nothing", () => {
  const clock = createFakeClock();
  const [one, other] = [new Metrics({ clock }), new Metrics({ clock })];
  one.requestStarted();
  one.requestEnded(false, 1);
  expect(other.snapshot()).toMatchObject({ requestsTotal: 0, requestsFailed: 0, latencyMs: { last: null } });
});

test("counting a call takes far less than ten microseconds, also after a million calls", () => {
  const metrics = new Metrics({ clock: { ...createFakeClock(), now: () => performance.now() } });
  const calls = 200_000;
  const costs: number[] = [];
  // The best of several rounds, so that a busy machine does not decide.
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) {
      metrics.requestStarted();
      metrics.requestEnded(true, i % 100);
    }
    costs.push(((performance.now() - start) * 1000) / calls);
  }
  expect(Math.min(...costs)).toBeLessThan(10);
});
