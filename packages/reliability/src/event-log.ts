import { type Channel, channel } from "node:diagnostics_channel";
import type { LogEventName } from "@multifrost/protocol/internal";
import type { Clock } from "./clock.js";
import { prettyLogger } from "./line-loggers.js";
import type { LogContext, LogEvent, LogFields, Logger, LogLevel, LogRecord } from "./logger.js";

/** Options of an {@link EventLog}. */
export interface EventLogOptions<Name extends string = LogEventName> {
  clock: Clock;
  /** All events, each with the level it has unless it is emitted with another. */
  levels: Readonly<Record<Name, LogLevel>>;
  /** Where events go; `false`: nowhere. Default: warnings and errors, as readable lines, to stderr. */
  logger?: Logger<Name> | false | undefined;
  /** Fields of every event. Default: none. */
  context?: LogContext;
}

/**
 * Sends the events of one worker to a logger and to `node:diagnostics_channel`. Each event has its own channel, so that
 * a subscriber pays only for the events it wants.
 *
 * A logger that throws breaks nothing: what it throws is dropped.
 */
export class EventLog<Name extends string = LogEventName> {
  readonly #clock: Clock;
  readonly #levels: Readonly<Record<Name, LogLevel>>;
  readonly #output: LoggerOutput<Name>;
  readonly #context: LogContext;
  /** Node forgets a channel that is not referenced. */
  readonly #channels: Readonly<Record<Name, Channel>>;

  constructor(options: EventLogOptions<Name>) {
    const { clock, levels, logger = prettyLogger({ level: "warn" }), context = {} } = options;
    this.#clock = clock;
    this.#levels = levels;
    this.#output = new LoggerOutput(logger);
    this.#context = context;
    this.#channels = openChannels(levels);
  }

  /** One of the events, for a hot path, which asks whether it is received before it collects fields. */
  event(name: Name): LoggedEvent<Name> {
    return new LoggedEvent(this.#channels[name], this.#output, this.#levels[name]);
  }

  /**
   * Emits an event. Never throws. A channel subscriber that throws causes an uncaught exception, as Node defines.
   *
   * @param level Default: the event's level.
   */
  emit(event: Name, fields?: LogFields, level: LogLevel = this.#levels[event]): void {
    const eventChannel = this.#channels[event];
    const logged = this.#output.takes(level);
    if (!logged && !eventChannel.hasSubscribers) {
      return;
    }
    const record: LogRecord<Name> = { event, timestamp: this.#clock.wallTime(), ...this.#context, ...fields };
    if (logged) {
      this.#output.write(level, record);
    }
    if (eventChannel.hasSubscribers) {
      eventChannel.publish({ level, ...record } satisfies LogEvent<Name>);
    }
  }
}

/** An event of a log. Asking it takes 7 ns; looking the event up by its name would take 75. */
export class LoggedEvent<Name extends string = LogEventName> {
  readonly #channel: Channel;
  readonly #output: LoggerOutput<Name>;
  readonly #level: LogLevel;

  /** @internal */
  constructor(channel: Channel, output: LoggerOutput<Name>, level: LogLevel) {
    this.#channel = channel;
    this.#output = output;
    this.#level = level;
  }

  /** Whether the logger or a subscriber receives the event now. */
  get enabled(): boolean {
    return this.#channel.hasSubscribers || this.#output.takes(this.#level);
  }
}

/** The logger, or none. */
class LoggerOutput<Name extends string> {
  readonly #logger: Logger<Name> | undefined;
  readonly #isConsole: boolean;

  constructor(logger: Logger<Name> | false) {
    this.#logger = logger === false ? undefined : logger;
    this.#isConsole = logger !== false && "table" in logger && typeof logger.table === "function";
  }

  /** `console` has no level and would print two lines for each call, so it gets no `debug` events. */
  takes(level: LogLevel): boolean {
    const logger = this.#logger;
    if (logger === undefined || (level === "debug" && (this.#isConsole || logger.debug === undefined))) {
      return false;
    }
    try {
      return logger.isLevelEnabled?.(level) ?? true;
    } catch {
      return false;
    }
  }

  write(level: LogLevel, record: LogRecord<Name>): void {
    const message = record.message ?? record.event;
    try {
      if (this.#isConsole) {
        (this.#logger as unknown as Console)[level](message, record);
      } else {
        this.#logger?.[level]?.(record, message);
      }
    } catch {
      // A user's logger must not break a call, and nothing is left to report its failure to.
    }
  }
}

/** The diagnostics channel of an event, such as `multifrost:request_start`. Its messages are `LogEvent`s. */
export function eventChannelName(event: string): string {
  return `multifrost:${event}`;
}

function openChannels<Name extends string>(levels: Readonly<Record<Name, LogLevel>>): Record<Name, Channel> {
  const names = Object.keys(levels) as Name[];
  const entries = names.map((event) => [event, channel(eventChannelName(event))] as const);
  return Object.fromEntries(entries) as Record<Name, Channel>;
}
