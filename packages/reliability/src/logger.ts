import type { LogEventName } from "@multifrost/protocol/internal";

/** How much an event matters, from little to much. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Identifies the worker; the same for all its events. */
export interface LogContext {
  /** The name of the worker. */
  readonly workerId?: string | undefined;
  /** Its service id, if it has one. */
  readonly serviceId?: string | undefined;
}

/** The fields of an event. */
export interface LogFields extends LogContext {
  /** One sentence for people: what happened, and to what. Default: the event's name. */
  readonly message?: string | undefined;
  /** The id of the call. */
  readonly requestId?: string | undefined;
  /** The id given by the caller to group calls. */
  readonly correlationId?: string | undefined;
  /** The method that was called. */
  readonly functionName?: string | undefined;
  /** In milliseconds. */
  readonly durationMs?: number | undefined;
  /** The error behind the event. pino prints a field of this name with its stack. */
  readonly err?: unknown;
  /** Further facts, such as `{ misses: 2 }`. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** What a logger receives: flat, and without the level, which the logger's method expresses. */
export interface LogRecord<Name extends string = LogEventName> extends LogFields {
  /** The name of the event. */
  readonly event: Name;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** What subscribers of an event's diagnostics channel receive. */
export interface LogEvent<Name extends string = LogEventName> extends LogRecord<Name> {
  readonly level: LogLevel;
}

/**
 * Anything shaped like a pino logger or like `console`.
 *
 * Each method receives the fields first and a sentence second, as pino takes them. A `console` (recognised by its
 * `table` method) receives the sentence first.
 */
export interface Logger<Name extends string = LogEventName> {
  debug?(record: LogRecord<Name>, message: string): void;
  info(record: LogRecord<Name>, message: string): void;
  warn(record: LogRecord<Name>, message: string): void;
  error(record: LogRecord<Name>, message: string): void;
  /** Whether a level is written, as pino answers it. Default: every level, but from `info` on for a `console`. */
  isLevelEnabled?(level: LogLevel): boolean;
}
