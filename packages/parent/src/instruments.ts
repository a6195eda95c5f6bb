// What every part of a parent's life measures with and reports to: the clock, the breaker, the metrics, the log, and
// the calls that are waiting, put together once.

import { EVENT_LEVELS } from "@multifrost/protocol/internal";
import {
  CircuitBreaker,
  type CircuitChange,
  type Clock,
  createFailureRule,
  EventLog,
  type LogEventName,
  Metrics,
  systemClock,
} from "@multifrost/reliability";
import { type CallObservers, callBegan, callEnded } from "./call/call-end.js";
import { createPendingCalls, type PendingCall, type PendingCalls } from "./call/pending-calls.js";
import type { LifeConfig } from "./life-config.js";

/** What measures and remembers. */
export interface Instruments {
  readonly clock: Clock;
  readonly events: EventLog;
  readonly metrics: Metrics;
  readonly breaker: CircuitBreaker;
  readonly pending: PendingCalls;
  observeBegin(call: PendingCall): void;
}

/** Where the doubling of `circuitResetTimeout` ends, in milliseconds, unless it began above. */
const MOST_RESET_MS = 30_000;

const CIRCUIT_EVENTS: Readonly<Record<CircuitChange["to"], LogEventName>> = {
  open: "circuit_open",
  "half-open": "circuit_half_open",
  closed: "circuit_close",
};

/** Makes them for one parent. */
export function createInstruments(config: LifeConfig): Instruments {
  const { name, serviceId, given, options, notify } = config;
  const clock = systemClock();
  const events = new EventLog({
    levels: EVENT_LEVELS,
    clock,
    logger: given.logger,
    context: { workerId: name, serviceId },
  });
  const breaker = new CircuitBreaker({
    clock,
    failureThreshold: options.maxRestartAttempts,
    resetTimeoutMs: options.circuitResetMs,
    resetTimeoutMaxMs: Math.max(options.circuitResetMs, MOST_RESET_MS),
    onChange(change) {
      metrics.circuitChanged(change.to);
      const { from, to, reason, failures, retryAt } = change;
      events.emit(CIRCUIT_EVENTS[to], {
        message: `The circuit to ${name} went from ${from} to ${to}: ${reason}.`,
        details: { failures, retryAt },
      });
      notify("circuit", change);
    },
  });
  const metrics = new Metrics({ clock, circuitState: () => breaker.state });
  const observers: CallObservers = { clock, breaker, isFailure: createFailureRule(given.isFailure), metrics, events };
  const pending = createPendingCalls((call, outcome) => callEnded(call, outcome, observers));
  return { clock, events, metrics, breaker, pending, observeBegin: (call) => callBegan(call, observers) };
}
