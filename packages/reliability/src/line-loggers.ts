// Two loggers that write lines: one JSON object each for machines, or one readable line each for people.
// Given to event-log.ts as its `logger`.

import type { Logger, LogLevel, LogRecord } from "./log-event.js";

/** How a line logger is made. */
export interface LineLoggerOptions {
  /** Takes one line, with its line end. Default: this process's stderr. */
  write?: (line: string) => void;
  /** The least level that is written. Default: `info`. */
  level?: LogLevel;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** One JSON object a line: `time` (ISO 8601), `level`, `event`, `message`, then the other fields; errors with stack. */
export function jsonLinesLogger(options: LineLoggerOptions = {}): Required<Logger> {
  return lineLogger(options, (level, { event, timestamp, message, ...fields }) => {
    const head = { time: isoTime(timestamp), level, event, message };
    return toJson({ ...head, ...fields }) ?? toJson({ ...head, unwritable: true }) ?? "{}";
  });
}

/** One line for people: `2026-01-31T12:00:00.000Z WARN  heartbeat_missed Heartbeat 2 of 3 missed workerId=7f3a`. */
export function prettyLogger(options: LineLoggerOptions = {}): Required<Logger> {
  return lineLogger(options, prettyLine);
}

function lineLogger(
  { write = writeToStderr, level: least = "info" }: LineLoggerOptions,
  format: (level: LogLevel, record: LogRecord) => string,
): Required<Logger> {
  const isLevelEnabled = (level: LogLevel): boolean => RANK[level] >= RANK[least];
  const at = (level: LogLevel) => (record: LogRecord) => {
    if (isLevelEnabled(level)) {
      write(`${format(level, record)}\n`);
    }
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), isLevelEnabled };
}

function writeToStderr(line: string): void {
  process.stderr.write(line);
}

function isoTime(timestamp: number): string {
  return new Date(timestamp).toISOString();
}

function prettyLine(level: LogLevel, { event, timestamp, message, details, ...fields }: LogRecord): string {
  const pairs = Object.entries({ ...fields, ...details })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${prettyValue(value)}`);
  const words = [isoTime(timestamp), level.toUpperCase().padEnd(5), event];
  return [...words, ...(message === undefined ? [] : [oneLine(message)]), ...pairs].join(" ");
}

/** Bare where it is one plain word, quoted otherwise; of an error, what it says, without the stack. */
function prettyValue(value: unknown): string {
  const text = value instanceof Error ? `${value.name}: ${value.message}` : value;
  return typeof text === "string" && /^[\w.:/@-]+$/.test(text) ? text : (toJson(text) ?? "unwritable");
}

/** What a worker sends ends up in messages: no line ends, no terminal control. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}

/** An error with its fields, a bigint as text. `undefined` for what JSON cannot say: a cycle, a function. */
function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, writable);
  } catch {
    return undefined;
  }
}

function writable(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") {
    return String(value);
  }
  if (value instanceof Error) {
    const { name, message, stack, cause } = value;
    return { name, message, stack, cause, ...(value as object) };
  }
  return value;
}
