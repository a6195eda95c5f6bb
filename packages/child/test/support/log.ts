import { EVENT_LEVELS } from "@multifrost/protocol/internal";
import { EventLog, type Logger, type LogLevel, type LogRecord, RareEvent, systemClock } from "@multifrost/reliability";

/** A logger that keeps its records. */
export function keepingLogger(): {
  logger: Logger;
  records: (LogRecord & { level: LogLevel })[];
  events: () => string[];
} {
  const records: (LogRecord & { level: LogLevel })[] = [];
  const at = (level: LogLevel) => (record: LogRecord) => void records.push({ level, ...record });
  const logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return { logger, records, events: () => records.map(({ event }) => event) };
}

/** The event log of a worker with this logger, and its count of dropped messages. */
export function eventLog(logger: Logger | false): { events: EventLog; drops: RareEvent } {
  const clock = systemClock();
  const events = new EventLog({ clock, levels: EVENT_LEVELS, logger });
  return { events, drops: new RareEvent({ clock, events, name: "message_dropped" }) };
}
