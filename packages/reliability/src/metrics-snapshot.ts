// What the metrics tell, at one moment. No logic; see metrics.ts for what fills it.
// It is made for exporters as much as for people: names and units do not change.

import type { CircuitState } from "./circuit.js";
import type { LatencySummary } from "./latency-window.js";

/** Heartbeats so far. */
export interface HeartbeatMetrics {
  /** The latest round trip, in milliseconds; `null` before the first. */
  readonly rttLastMs: number | null;
  /** The mean of all round trips, in milliseconds; `null` before the first. */
  readonly rttAvgMs: number | null;
  /** Heartbeats that were not answered in time, all together. */
  readonly misses: number;
}

/** Everything counted, at one moment. Plain JSON: no `NaN`, no `undefined`. Counts run from the beginning. */
export interface MetricsSnapshot {
  /** Calls begun. */
  readonly requestsTotal: number;
  readonly requestsSuccess: number;
  readonly requestsFailed: number;
  /** Failed of those that ended, from 0 to 1; 0 where none ended yet. */
  readonly errorRate: number;
  /** Over the last minute, of all calls that ended, well or not. In milliseconds. */
  readonly latencyMs: LatencySummary;
  /** Calls begun and not ended. */
  readonly queueDepth: number;
  /** The most there ever were. */
  readonly queueMaxDepth: number;
  /** Times the circuit opened. */
  readonly circuitBreakerTrips: number;
  /** Times it closed again. */
  readonly circuitBreakerResets: number;
  readonly circuitBreakerState: CircuitState;
  readonly heartbeat: HeartbeatMetrics;
  readonly restarts: number;
  readonly droppedMessages: number;
  /** When this was taken: milliseconds since the epoch. */
  readonly timestamp: number;
}
