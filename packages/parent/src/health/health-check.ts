// Heartbeats of one link: the first proves that the worker can be reached, the others that it still can.

import { type Codec, createHeartbeat, newMessageId } from "@multifrost/protocol";
import { type Clock, type EventLog, HeartbeatMonitor, type Metrics } from "@multifrost/reliability";
import type { ResolvedOptions } from "../options.js";

/** What the check needs from around it. */
export interface HealthOptions {
  readonly clock: Clock;
  readonly codec: Codec;
  readonly options: ResolvedOptions;
  readonly metrics: Metrics;
  readonly events: EventLog;
  send(bytes: Uint8Array): void;
  /** Every answer and every miss, for whoever listens. */
  onBeat(beat: { rttMs: number } | { misses: number }): void;
  onLost(misses: number): void;
  onRecovered(): void;
}

/** Makes the monitor of one link; it is not started. */
export function createHealthCheck(health: HealthOptions): HeartbeatMonitor {
  const { clock, codec, options, metrics, events } = health;
  return new HeartbeatMonitor({
    clock,
    intervalMs: options.heartbeatIntervalMs,
    timeoutMs: options.heartbeatTimeoutMs,
    maxMisses: options.heartbeatMaxMisses,
    newId: newMessageId,
    send: (id) => health.send(codec.encode(createHeartbeat(id))),
    onAnswer({ rttMs }) {
      metrics.heartbeatAnswered(rttMs);
      health.onBeat({ rttMs });
    },
    onMiss({ misses }) {
      metrics.heartbeatMissed();
      events.emit("heartbeat_missed", { message: "A heartbeat was not answered in time.", details: { misses } });
      health.onBeat({ misses });
    },
    onLost({ misses }) {
      events.emit("heartbeat_timeout", { message: `No heartbeat was answered ${misses} times in a row.` });
      health.onLost(misses);
    },
    onRecovered() {
      events.emit("heartbeat_recovered", { message: "The worker answers heartbeats again." });
      health.onRecovered();
    },
  });
}
