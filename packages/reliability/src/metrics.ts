import { CALLBACK, checkOptions, numberFrom, type OptionRules } from "@multifrost/protocol/internal";
import type { CircuitState } from "./circuit-breaker.js";
import { CLOCK, type Clock } from "./clock.js";
import { type LatencySummary, LatencyWindow } from "./latency-window.js";

/** Heartbeats so far. */
export interface HeartbeatMetrics {
  /** The latest round trip, in milliseconds; `null` before the first. */
  readonly rttLastMs: number | null;
  /** The mean of all round trips, in milliseconds; `null` before the first. */
  readonly rttAvgMs: number | null;
  /** Heartbeats that were not answered in time, in total. */
  readonly misses: number;
}

/**
 * All metrics at one moment, as plain JSON: no `NaN`, no `undefined`. Counts run from the beginning. Names and units are
 * stable, for exporters.
 */
export interface MetricsSnapshot {
  /** Calls started. */
  readonly requestsTotal: number;
  /** Calls that succeeded. */
  readonly requestsSuccess: number;
  /** Calls that failed. */
  readonly requestsFailed: number;
  /** Share of settled calls that failed, from 0 to 1; 0 before the first settles. */
  readonly errorRate: number;
  /** Latencies of the calls that settled within the last minute, failed or not. In milliseconds. */
  readonly latencyMs: LatencySummary;
  /** Calls started and not settled. */
  readonly queueDepth: number;
  /** The largest `queueDepth` so far. */
  readonly queueMaxDepth: number;
  /** How often the circuit opened. */
  readonly circuitBreakerTrips: number;
  /** How often the circuit closed again. */
  readonly circuitBreakerResets: number;
  readonly circuitBreakerState: CircuitState;
  readonly heartbeat: HeartbeatMetrics;
  /** How often the worker was restarted. */
  readonly restarts: number;
  /** How often the worker was reloaded. */
  readonly reloads: number;
  /** Messages dropped because they could not be read or have no receiver. */
  readonly droppedMessages: number;
  /** Connections to a private endpoint that were refused, because they were not the worker's. */
  readonly refusedConnections: number;
  /** When the snapshot was taken: milliseconds since the epoch. */
  readonly timestamp: number;
}

/** Options of {@link Metrics}. */
export interface MetricsOptions {
  clock: Clock;
  /** Returns the circuit's state for a snapshot. Default: the state last given to `circuitChanged`. */
  circuitState?: () => CircuitState;
  /** How long latencies are kept, in milliseconds. Default: 60 000. */
  latencyWindowMs?: number;
}

const RULES: OptionRules<MetricsOptions> = {
  clock: CLOCK,
  circuitState: CALLBACK,
  latencyWindowMs: numberFrom(1),
};

/** Counters of calls, heartbeats and restarts. Each method costs the same however long the worker runs. */
export class Metrics {
  readonly #clock: Clock;
  readonly #circuitState: (() => CircuitState) | undefined;
  readonly #latency: LatencyWindow;
  #started = 0;
  #succeeded = 0;
  #failed = 0;
  #maxDepth = 0;
  #circuit: CircuitState = "closed";
  #trips = 0;
  #resets = 0;
  #rttLastMs: number | null = null;
  #rttSumMs = 0;
  #rttCount = 0;
  #misses = 0;
  #restarts = 0;
  #reloads = 0;
  #dropped = 0;
  #refused = 0;

  constructor(options: MetricsOptions) {
    checkOptions("Metrics", options, RULES);
    const { clock, circuitState, latencyWindowMs = 60_000 } = options;
    this.#clock = clock;
    this.#circuitState = circuitState;
    this.#latency = new LatencyWindow({ clock, windowMs: latencyWindowMs });
  }

  /** A call started. */
  requestStarted(): void {
    this.#started += 1;
    const depth = this.#started - this.#succeeded - this.#failed;
    if (depth > this.#maxDepth) {
      this.#maxDepth = depth;
    }
  }

  /**
   * A call settled, `latencyMs` milliseconds after it started.
   *
   * @param now The clock's time, for a caller that has just read it.
   */
  requestEnded(ok: boolean, latencyMs: number, now?: number): void {
    if (ok) {
      this.#succeeded += 1;
    } else {
      this.#failed += 1;
    }
    this.#latency.record(latencyMs, now);
  }

  /** The circuit changed its state: opening counts as a trip, closing as a reset. */
  circuitChanged(to: CircuitState): void {
    this.#circuit = to;
    this.#trips += to === "open" ? 1 : 0;
    this.#resets += to === "closed" ? 1 : 0;
  }

  /** A heartbeat was answered after `rttMs` milliseconds. */
  heartbeatAnswered(rttMs: number): void {
    this.#rttLastMs = rttMs;
    this.#rttSumMs += rttMs;
    this.#rttCount += 1;
  }

  /** A heartbeat was not answered in time. */
  heartbeatMissed(): void {
    this.#misses += 1;
  }

  /** The worker was restarted. */
  restarted(): void {
    this.#restarts += 1;
  }

  /** The worker was reloaded. */
  reloaded(): void {
    this.#reloads += 1;
  }

  /** A message was dropped. */
  messageDropped(): void {
    this.#dropped += 1;
  }

  /** A connection was refused. */
  connectionRefused(): void {
    this.#refused += 1;
  }

  /** The metrics at this moment. */
  snapshot(): MetricsSnapshot {
    const settled = this.#succeeded + this.#failed;
    const rttAvgMs = this.#rttCount === 0 ? null : this.#rttSumMs / this.#rttCount;
    return {
      requestsTotal: this.#started,
      requestsSuccess: this.#succeeded,
      requestsFailed: this.#failed,
      errorRate: settled === 0 ? 0 : this.#failed / settled,
      latencyMs: this.#latency.summary(),
      queueDepth: this.#started - settled,
      queueMaxDepth: this.#maxDepth,
      circuitBreakerTrips: this.#trips,
      circuitBreakerResets: this.#resets,
      circuitBreakerState: this.#circuitState?.() ?? this.#circuit,
      heartbeat: { rttLastMs: this.#rttLastMs, rttAvgMs, misses: this.#misses },
      restarts: this.#restarts,
      reloads: this.#reloads,
      droppedMessages: this.#dropped,
      refusedConnections: this.#refused,
      timestamp: this.#clock.wallTime(),
    };
  }
}
