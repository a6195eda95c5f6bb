// Hands each event to the logger and to `node:diagnostics_channel`. Costs next to nothing when nobody listens.
// The loggers that are included are in line-loggers.ts.

import { type Channel, channel } from "node:diagnostics_channel";
import type { Clock } from "./clock.js";
import { prettyLogger } from "./line-loggers.js";
import {
  EVENT_LEVELS,
  type LogContext,
  type LogEvent,
  type LogEventName,
  type LogFields,
  type Logger,
  type LogLevel,
  type LogRecord,
} from "./log-event.js";

/** How an event log is made. */
export interface EventLogOptions {
  clock: Clock;
  /** Where events go; `false`: nowhere. Default: warnings and errors, readable, to stderr. */
  logger?: Logger | false | undefined;
  /** What every event carries. Default: nothing. */
  context?: LogContext;
}

/** Takes the events of one worker. */
export interface EventLog {
  /** Whether anybody would get it. Ask before gathering fields on a hot path. `level`: the event's own by default. */
  enabled(event: LogEventName, level?: LogLevel): boolean;
  /**
   * Tells of an event. Never throws, whatever the logger does; a subscriber of a diagnostics channel that throws is an
   * uncaught exception, as Node has it. `level`: the event's own by default.
   */
  emit(event: LogEventName, fields?: LogFields, level?: LogLevel): void;
}

/** The diagnostics channel of an event, such as `multifrost:request_start`. Its messages are `LogEvent`s. */
export function eventChannelName(event: LogEventName): string {
  return `multifrost:${event}`;
}

/** Makes an event log. Every event has a diagnostics channel of its own, so that one can be had without the others. */
export function createEventLog(options: EventLogOptions): EventLog {
  const { clock, logger = prettyLogger({ level: "warn" }), context = {} } = options;
  const channels = openChannels();
  const sink = logger === false ? undefined : openSink(logger);

  return {
    enabled: (event, level = EVENT_LEVELS[event]) => channels[event].hasSubscribers || (sink?.takes(level) ?? false),
    emit(event, fields, level = EVENT_LEVELS[event]) {
      const toSink = sink?.takes(level) ?? false;
      const toChannel = channels[event].hasSubscribers;
      if (!toSink && !toChannel) {
        return;
      }
      const record: LogRecord = { event, timestamp: clock.wallTime(), ...context, ...fields };
      if (toSink) {
        sink?.write(level, record);
      }
      if (toChannel) {
        channels[event].publish({ level, ...record } satisfies LogEvent);
      }
    },
  };
}

/** Held on to, because a channel that nobody holds is forgotten. */
function openChannels(): Readonly<Record<LogEventName, Channel>> {
  const names = Object.keys(EVENT_LEVELS) as LogEventName[];
  const entries = names.map((event) => [event, channel(eventChannelName(event))] as const);
  return Object.fromEntries(entries) as Record<LogEventName, Channel>;
}

/** A logger of whatever shape, as this file needs it. Neither of the two throws. */
interface Sink {
  takes(level: LogLevel): boolean;
  write(level: LogLevel, record: LogRecord): void;
}

function openSink(logger: Logger): Sink {
  const isConsole = "table" in logger && typeof logger.table === "function";
  return {
    takes: (level) => quietly(() => takes(logger, level, isConsole)) ?? false,
    write: (level, record) => {
      const message = record.message ?? record.event;
      quietly(() => {
        if (isConsole) {
          (logger as unknown as Console)[level](message, record);
        } else {
          logger[level]?.(record, message);
        }
      });
    },
  };
}

/** `console` has no level of its own, and two lines for every call is not what its user wants. */
function takes(logger: Logger, level: LogLevel, isConsole: boolean): boolean {
  if (level === "debug" && (isConsole || logger.debug === undefined)) {
    return false;
  }
  return logger.isLevelEnabled?.(level) ?? true;
}

/** Somebody else's logger must not break a call. There is nobody left to tell of its failure. */
function quietly<R>(action: () => R): R | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
