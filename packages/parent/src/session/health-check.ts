// Heartbeats of one session: the first proves that the worker can be reached, the others that it still can.

import { createHeartbeat, newMessageId } from "@multifrost/protocol";
import { TimeoutError } from "@multifrost/protocol/errors";
import { HeartbeatMonitor, type Silence } from "@multifrost/reliability";
import { inSeconds } from "../errors.js";
import type { ParentContext } from "./types.js";

/** What the health check asks of its session, and tells it. */
export interface HealthHooks {
  /** Sends bytes to the worker. What it throws counts as a missed heartbeat. */
  send(bytes: Uint8Array): void;
  /** How many messages the worker has sent so far. */
  received(): number;
  /** Too many heartbeats in a row were missed, or the worker has given a sign of life again. */
  onStalled(isStalled: boolean): void;
  /** The worker was stalled for `stallTimeout`. */
  onLost(silence: Silence): void;
}

/**
 * Makes the monitor of a session; it is not started. Reports answers and misses to the metrics, the log and the listeners, and a
 * worker that is stalled for too long to the circuit breaker.
 */
export function createHealthCheck(
  { name, codec, options, telemetry }: ParentContext,
  { send, received, onStalled, onLost }: HealthHooks,
): HeartbeatMonitor {
  const { clock, metrics, events, breaker } = telemetry;
  let isLost = false;
  return new HeartbeatMonitor({
    clock,
    intervalMs: options.heartbeatIntervalMs,
    timeoutMs: options.heartbeatTimeoutMs,
    maxMisses: options.heartbeatMaxMisses,
    stallTimeoutMs: options.stallTimeoutMs,
    received,
    newId: newMessageId,
    send: (id) => send(codec.encode(createHeartbeat(id))),
    onAnswer({ rttMs }) {
      metrics.heartbeatAnswered(rttMs);
      telemetry.notify("heartbeat", { rttMs });
    },
    onMiss({ misses }) {
      metrics.heartbeatMissed();
      const message = `${name} did not answer a heartbeat in time.`;
      // `worker_stalled` warns once; further misses add nothing.
      const level = misses > options.heartbeatMaxMisses ? "debug" : "warn";
      events.emit("heartbeat_missed", { message, details: { misses } }, level);
      telemetry.notify("heartbeat", { misses });
    },
    onStalled({ misses, silentMs }) {
      const message =
        `${name} has answered no heartbeat for ${inSeconds(silentMs)}, but is connected: it computes, is suspended, or hangs. ` +
        "Calls are still sent.";
      events.emit("worker_stalled", { message, details: { misses } });
      onStalled(true);
    },
    onLost(silence) {
      events.emit("heartbeat_timeout", {
        message: `${name} has answered no heartbeat for ${inSeconds(silence.silentMs)} (stallTimeout).`,
      });
      isLost = true;
      breaker.trip("heartbeats lost");
      onLost(silence);
    },
    onRecovered() {
      events.emit("heartbeat_recovered", { message: `${name} gives signs of life again.` });
      if (isLost) {
        isLost = false;
        breaker.close("heartbeats answered");
      }
      onStalled(false);
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
