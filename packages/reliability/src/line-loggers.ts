import { CALLBACK, checkOptions, type OptionRules, rule } from "@multifrost/protocol/internal";
import type { Logger, LogLevel, LogRecord } from "./logger.js";

/** Options of {@link jsonLinesLogger} and {@link prettyLogger}. */
export interface LineLoggerOptions {
  /** Writes one line, which includes its line end. Default: to this process's stderr. */
  write?: (line: string) => void;
  /** The lowest level that is written. Default: `info`. */
  level?: LogLevel;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

const RULES: OptionRules<LineLoggerOptions> = {
  write: CALLBACK,
  level: rule("'debug', 'info', 'warn' or 'error'", (value) => typeof value === "string" && Object.hasOwn(RANK, value)),
};

/**
 * Writes one JSON object per line: `time` (ISO 8601), `level`, `event`, `message`, then the other fields. Errors are
 * written with their stack.
 *
 * Throws `MultifrostError` `INVALID_OPTION`.
 */
export function jsonLinesLogger(options: LineLoggerOptions = {}): Required<Logger<string>> {
  return lineLogger("jsonLinesLogger", options, (level, { event, timestamp, message, ...fields }) => {
    const head = { time: isoTime(timestamp), level, event, message };
    return toJson({ ...head, ...fields }) ?? toJson({ ...head, unwritable: true }) ?? "{}";
  });
}

/**
 * Writes readable lines: `2026-01-31T12:00:00.000Z WARN  heartbeat_missed Heartbeat 2 of 3 missed workerId=7f3a`.
 *
 * Throws `MultifrostError` `INVALID_OPTION`.
 */
export function prettyLogger(options: LineLoggerOptions = {}): Required<Logger<string>> {
  return lineLogger("prettyLogger", options, prettyLine);
}

function lineLogger(
  owner: string,
  options: LineLoggerOptions,
  format: (level: LogLevel, record: LogRecord<string>) => string,
): Required<Logger<string>> {
  checkOptions(owner, options, RULES);
  const { write = writeToStderr, level: least = "info" } = options;
  const isLevelEnabled = (level: LogLevel): boolean => RANK[level] >= RANK[least];
  const at = (level: LogLevel) => (record: LogRecord<string>) => {
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

function prettyLine(level: LogLevel, { event, timestamp, message, details, ...fields }: LogRecord<string>): string {
  const pairs = Object.entries({ ...fields, ...details })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${prettyValue(value)}`);
  const words = [isoTime(timestamp), level.toUpperCase().padEnd(5), event];
  return [...words, ...(message === undefined ? [] : [oneLine(message)]), ...pairs].join(" ");
}

/** One plain word as it is, anything else as JSON; an error as name and message, without the stack. */
function prettyValue(value: unknown): string {
  const text = value instanceof Error ? `${value.name}: ${value.message}` : value;
  return typeof text === "string" && /^[\w.:/@-]+$/.test(text) ? text : (toJson(text) ?? "unwritable");
}

/** Messages may contain text from a worker: removes line ends and terminal control characters. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing control characters is the purpose.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}

/** An error becomes an object with its fields, a bigint text. `undefined` for cycles and functions. */
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
