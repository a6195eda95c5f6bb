/**
 * `@multifrost/reliability`: circuit breaker, heartbeat monitor, backoff, restart budget, metrics and structured events.
 * Time is passed in.
 *
 * @packageDocumentation
 */

export type { LogEventName } from "@multifrost/protocol/internal";
export { Backoff, type BackoffOptions } from "./backoff.js";
export {
  type Admission,
  type CallRefusal,
  type CallTicket,
  CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitChange,
  type CircuitState,
} from "./circuit-breaker.js";
export { type Clock, systemClock, type Timer, type TimerOptions } from "./clock.js";
export { type DeadlineLinks, type DeadlineSlot, Deadlines } from "./deadlines.js";
export { EventLog, type EventLogOptions, eventChannelName, LoggedEvent } from "./event-log.js";
export { createFailureRule, type FailureRule, isWorkerFailure } from "./failure-rule.js";
export { type BeatOptions, HeartbeatMonitor, type HeartbeatOptions, type Silence } from "./heartbeat-monitor.js";
export { type LatencySummary, LatencyWindow, type LatencyWindowOptions } from "./latency-window.js";
export { jsonLinesLogger, type LineLoggerOptions, prettyLogger } from "./line-loggers.js";
export type { LogContext, LogEvent, LogFields, Logger, LogLevel, LogRecord } from "./logger.js";
export { MethodCircuits, type MethodCircuitsOptions } from "./method-circuits.js";
export { type HeartbeatMetrics, Metrics, type MetricsOptions, type MetricsSnapshot } from "./metrics.js";
export { RareEvent, type RareEventOptions } from "./rare-event.js";
export { RestartBudget, type RestartBudgetOptions } from "./restart-budget.js";
