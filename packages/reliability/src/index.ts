// All of `@multifrost/reliability`. Read circuit.ts and circuit-breaker.ts first; time comes from clock.ts.

export { type Backoff, type BackoffOptions, createBackoff } from "./backoff.js";
export type {
  Admission,
  CallRefusal,
  CallTicket,
  CircuitBreaker,
  CircuitBreakerOptions,
  CircuitChange,
  CircuitState,
} from "./circuit.js";
export { createCircuitBreaker } from "./circuit-breaker.js";
export { type Clock, systemClock, type Timer, type TimerOptions } from "./clock.js";
export { createEventLog, type EventLog, type EventLogOptions, eventChannelName } from "./event-log.js";
export { createFailureRule, type FailureRule, isWorkerFailure } from "./failure-rule.js";
export type { BeatOptions, HeartbeatMonitor, HeartbeatOptions } from "./heartbeat.js";
export { createHeartbeatMonitor } from "./heartbeat-monitor.js";
export {
  createLatencyWindow,
  type LatencySummary,
  type LatencyWindow,
  type LatencyWindowOptions,
} from "./latency-window.js";
export { jsonLinesLogger, type LineLoggerOptions, prettyLogger } from "./line-loggers.js";
export {
  EVENT_LEVELS,
  type LogContext,
  type LogEvent,
  type LogEventName,
  type LogFields,
  type Logger,
  type LogLevel,
  type LogRecord,
} from "./log-event.js";
export { createMetrics, type Metrics, type MetricsOptions } from "./metrics.js";
export type { HeartbeatMetrics, MetricsSnapshot } from "./metrics-snapshot.js";
export { createRareEvent, type RareEvent } from "./rare-event.js";
export { createRestartBudget, type RestartBudget, type RestartBudgetOptions } from "./restart-budget.js";
