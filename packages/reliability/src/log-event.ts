// What the library tells of itself: the names of all events, how much each matters, and what goes with it.
// Next: event-log.ts, which hands them to a logger and to tracing tools.

/** How much an event matters, from little to much. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Every event there is. A name never changes its meaning; new ones may be added. */
export type LogEventName =
  | "worker_start"
  | "worker_stop"
  | "worker_restart"
  | "process_spawn"
  | "process_exit"
  | "process_held"
  | "request_start"
  | "request_end"
  | "request_timeout"
  | "request_error"
  | "circuit_open"
  | "circuit_half_open"
  | "circuit_close"
  | "heartbeat_missed"
  | "heartbeat_timeout"
  | "heartbeat_recovered"
  | "socket_connect"
  | "socket_disconnect"
  | "socket_reconnect"
  | "service_registered"
  | "service_unregistered"
  | "registry_warning"
  | "message_dropped"
  | "output_dropped"
  | "interface_mismatch"
  | "interface_unchecked"
  | "handler_error";

/**
 * The level of each event, unless it is emitted with another.
 *
 * A failed call is no warning: its caller gets the error and decides. What nobody else would hear of is one.
 */
export const EVENT_LEVELS: Readonly<Record<LogEventName, LogLevel>> = {
  worker_start: "info",
  worker_stop: "info",
  worker_restart: "warn",
  process_spawn: "info",
  process_exit: "info",
  process_held: "warn",
  request_start: "debug",
  request_end: "debug",
  request_timeout: "info",
  request_error: "info",
  circuit_open: "warn",
  circuit_half_open: "info",
  circuit_close: "info",
  heartbeat_missed: "warn",
  heartbeat_timeout: "error",
  heartbeat_recovered: "info",
  socket_connect: "info",
  socket_disconnect: "warn",
  socket_reconnect: "info",
  service_registered: "info",
  service_unregistered: "info",
  registry_warning: "warn",
  message_dropped: "warn",
  output_dropped: "warn",
  interface_mismatch: "warn",
  interface_unchecked: "info",
  handler_error: "error",
};

/** Whose event it is; the same for all events of one worker. */
export interface LogContext {
  readonly workerId?: string | undefined;
  readonly serviceId?: string | undefined;
}

/** What goes with one event. */
export interface LogFields extends LogContext {
  /** One sentence for a person: what happened, to what. Default: the event's name. */
  readonly message?: string | undefined;
  readonly requestId?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly functionName?: string | undefined;
  /** In milliseconds. */
  readonly durationMs?: number | undefined;
  /** The error that led to it. Named as pino names it, so that pino prints it whole. */
  readonly err?: unknown;
  /** Whatever else is worth knowing, such as `{ misses: 2 }`. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** What a logger gets: flat, and without the level, which the logger's method says. */
export interface LogRecord extends LogFields {
  readonly event: LogEventName;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** What subscribers of the event's diagnostics channel get. */
export interface LogEvent extends LogRecord {
  readonly level: LogLevel;
}

/**
 * Anything shaped like a pino logger or like `console`.
 *
 * Each method gets the fields first and a sentence second, as pino takes them; a `console` (known by its `table`) gets
 * the sentence first.
 */
export interface Logger {
  debug?(record: LogRecord, message: string): void;
  info(record: LogRecord, message: string): void;
  warn(record: LogRecord, message: string): void;
  error(record: LogRecord, message: string): void;
  /** Whether a level is written at all, as pino answers it. Default: all are, but for a `console` from `info` on. */
  isLevelEnabled?(level: LogLevel): boolean;
}
