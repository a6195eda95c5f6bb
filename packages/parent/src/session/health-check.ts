// Heartbeats of one session: the first proves that the worker can be reached, the others that it still can.

import { createHeartbeat, newMessageId } from "@multifrost/protocol";
import { TimeoutError } from "@multifrost/protocol/errors";
import { HeartbeatMonitor } from "@multifrost/reliability";
import type { ParentContext } from "./types.js";

/**
 * Makes the monitor of a session; it is not started. Reports answers and misses to the metrics, the log, the listeners
 * and the circuit breaker.
 *
 * @param send Sends bytes to the worker. What it throws counts as a missed heartbeat.
 * @param onLost Called when too many heartbeats in a row were missed.
 */
export function createHealthCheck(
  { codec, options, telemetry }: ParentContext,
  send: (bytes: Uint8Array) => void,
  onLost: () => void,
): HeartbeatMonitor {
  const { clock, metrics, events, breaker } = telemetry;
  return new HeartbeatMonitor({
    clock,
    intervalMs: options.heartbeatIntervalMs,
    timeoutMs: options.heartbeatTimeoutMs,
    maxMisses: options.heartbeatMaxMisses,
    newId: newMessageId,
    send: (id) => send(codec.encode(createHeartbeat(id))),
    onAnswer({ rttMs }) {
      metrics.heartbeatAnswered(rttMs);
      telemetry.notify("heartbeat", { rttMs });
    },
    onMiss({ misses }) {
      metrics.heartbeatMissed();
      events.emit("heartbeat_missed", { message: "A heartbeat was not answered in time.", details: { misses } });
      telemetry.notify("heartbeat", { misses });
    },
    onLost({ misses }) {
      events.emit("heartbeat_timeout", { message: `No heartbeat was answered ${misses} times in a row.` });
      breaker.trip("heartbeats lost");
      onLost();
    },
    onRecovered() {
      events.emit("heartbeat_recovered", { message: "The worker answers heartbeats again." });
      breaker.close("heartbeats answered");
    },
  });
}

/**
 * Sends one heartbeat and waits for its answer. It tells a worker from another program that listens on the same port,
 * and a turning event loop from a blocked one. Returns whether it was answered within `timeoutMs`. Rejects with what
 * sending it throws.
 */
export async function provesReachable(health: HeartbeatMonitor, timeoutMs: number): Promise<boolean> {
  try {
    await health.beat({ timeoutMs });
    return true;
  } catch (error) {
    if (error instanceof TimeoutError) {
      return false;
    }
    throw error;
  }
}
