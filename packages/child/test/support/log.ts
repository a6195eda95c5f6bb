import type { Logger, LogLevel, LogRecord } from "@multifrost/reliability";

/** A logger that keeps what it is told. */
export function keepingLogger(): { logger: Logger; told: (LogRecord & { level: LogLevel })[]; events: () => string[] } {
  const told: (LogRecord & { level: LogLevel })[] = [];
  const at = (level: LogLevel) => (record: LogRecord) => void told.push({ level, ...record });
  const logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return { logger, told, events: () => told.map(({ event }) => event) };
}
