// Counts what happens to calls, heartbeats and the worker. What comes of it is described in metrics-snapshot.ts.
// Each method costs the same however long the worker runs. Latencies are kept in latency-window.ts.

import type { CircuitState } from "./circuit.js";
import type { Clock } from "./clock.js";
import { createLatencyWindow } from "./latency-window.js";
import type { MetricsSnapshot } from "./metrics-snapshot.js";

/** How metrics are made. */
export interface MetricsOptions {
  clock: Clock;
  /** Asked for each snapshot. Default: the state last given to `circuitChanged`. */
  circuitState?: () => CircuitState;
  /** How far back latencies are kept, in milliseconds. Default: 60 000. */
  latencyWindowMs?: number;
}

/** Counters, one method for each thing that can happen. */
export interface Metrics {
  requestStarted(): void;
  /** `latencyMs`: from its start to its end, in milliseconds. */
  requestEnded(ok: boolean, latencyMs: number): void;
  circuitChanged(to: CircuitState): void;
  heartbeatAnswered(rttMs: number): void;
  heartbeatMissed(): void;
  restarted(): void;
  messageDropped(): void;
  snapshot(): MetricsSnapshot;
}

/** Makes counters that all begin at 0. */
export function createMetrics(options: MetricsOptions): Metrics {
  const { clock, circuitState, latencyWindowMs = 60_000 } = options;
  const latency = createLatencyWindow({ clock, windowMs: latencyWindowMs });
  const counts: Counts = { ...NOTHING_YET };
  const snapshot = (): MetricsSnapshot => ({
    ...describe(counts),
    circuitBreakerState: circuitState?.() ?? counts.circuit,
    latencyMs: latency.summary(),
    timestamp: clock.wallTime(),
  });
  return { ...requestCounters(counts, latency.record), ...healthCounters(counts), snapshot };
}

interface Counts {
  started: number;
  succeeded: number;
  failed: number;
  maxDepth: number;
  circuit: CircuitState;
  trips: number;
  resets: number;
  rttLastMs: number | null;
  rttSumMs: number;
  rttCount: number;
  misses: number;
  restarts: number;
  dropped: number;
}

const NOTHING_YET: Readonly<Counts> = {
  started: 0,
  succeeded: 0,
  failed: 0,
  maxDepth: 0,
  circuit: "closed",
  trips: 0,
  resets: 0,
  rttLastMs: null,
  rttSumMs: 0,
  rttCount: 0,
  misses: 0,
  restarts: 0,
  dropped: 0,
};

function requestCounters(
  counts: Counts,
  recordLatency: (latencyMs: number) => void,
): Pick<Metrics, "requestStarted" | "requestEnded"> {
  return {
    requestStarted() {
      counts.started += 1;
      counts.maxDepth = Math.max(counts.maxDepth, depth(counts));
    },
    requestEnded(ok, latencyMs) {
      if (ok) {
        counts.succeeded += 1;
      } else {
        counts.failed += 1;
      }
      recordLatency(latencyMs);
    },
  };
}

function healthCounters(counts: Counts): Omit<Metrics, "requestStarted" | "requestEnded" | "snapshot"> {
  return {
    circuitChanged(to) {
      counts.circuit = to;
      counts.trips += to === "open" ? 1 : 0;
      counts.resets += to === "closed" ? 1 : 0;
    },
    heartbeatAnswered(rttMs) {
      counts.rttLastMs = rttMs;
      counts.rttSumMs += rttMs;
      counts.rttCount += 1;
    },
    heartbeatMissed() {
      counts.misses += 1;
    },
    restarted() {
      counts.restarts += 1;
    },
    messageDropped() {
      counts.dropped += 1;
    },
  };
}

function depth({ started, succeeded, failed }: Counts): number {
  return started - succeeded - failed;
}

function describe(counts: Counts): Omit<MetricsSnapshot, "circuitBreakerState" | "latencyMs" | "timestamp"> {
  const ended = counts.succeeded + counts.failed;
  const rttAvgMs = counts.rttCount === 0 ? null : counts.rttSumMs / counts.rttCount;
  return {
    requestsTotal: counts.started,
    requestsSuccess: counts.succeeded,
    requestsFailed: counts.failed,
    errorRate: ended === 0 ? 0 : counts.failed / ended,
    queueDepth: depth(counts),
    queueMaxDepth: counts.maxDepth,
    circuitBreakerTrips: counts.trips,
    circuitBreakerResets: counts.resets,
    heartbeat: { rttLastMs: counts.rttLastMs, rttAvgMs, misses: counts.misses },
    restarts: counts.restarts,
    droppedMessages: counts.dropped,
  };
}
