import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { EVENT_LEVELS } from "@multifrost/protocol/internal";
import { EventLog, eventChannelName, type LogEvent, type Logger, type LogLevel } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/testing";
import { afterEach, describe, expect, test, vi } from "vitest";

const clock = createFakeClock(1_700_000_000_000);
const timestamp = 1_700_000_000_000;
const context = { workerId: "w1", serviceId: "math" };

type Written = [level: LogLevel, first: unknown, second: unknown];

function recorder(): { logger: Required<Omit<Logger, "isLevelEnabled">>; written: Written[] } {
  const written: Written[] = [];
  const at = (level: LogLevel) => (first: unknown, second: unknown) => void written.push([level, first, second]);
  return { logger: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }, written };
}

describe("a logger", () => {
  test("receives the fields first and the sentence second, at the event's level", () => {
    const { logger, written } = recorder();
    const fields = { message: "Heartbeat 2 of 3 missed", details: { misses: 2 } };
    new EventLog({ levels: EVENT_LEVELS, clock, logger, context }).emit("heartbeat_missed", fields);
    const record = { event: "heartbeat_missed", timestamp, ...context, ...fields };
    expect(written).toEqual([["warn", record, "Heartbeat 2 of 3 missed"]]);
  });

  test("receives the event's name when there is no sentence, and the level given to emit", () => {
    const { logger, written } = recorder();
    new EventLog({ levels: EVENT_LEVELS, clock, logger }).emit("socket_disconnect", {}, "info");
    expect(written).toEqual([["info", { event: "socket_disconnect", timestamp }, "socket_disconnect"]]);
  });

  test("shaped like console receives the sentence first, and no debug events", () => {
    const { logger, written } = recorder();
    const log = new EventLog({ levels: EVENT_LEVELS, clock, logger: Object.assign(logger, { table: () => {} }) });
    log.emit("worker_start");
    log.emit("request_start");
    expect(written).toEqual([["info", "worker_start", { event: "worker_start", timestamp }]]);
    expect(log.event("request_start").enabled).toBe(false);
  });

  test("may be the console itself", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    new EventLog({ levels: EVENT_LEVELS, clock, logger: console }).emit("worker_restart", {
      message: "Worker restarted",
    });
    const calls = warn.mock.calls;
    warn.mockRestore();
    expect(calls).toEqual([["Worker restarted", { event: "worker_restart", timestamp, message: "Worker restarted" }]]);
  });

  test("is called with its own this", () => {
    class Counting implements Logger {
      count = 0;
      info(): void {
        this.count += 1;
      }
      warn(): void {}
      error(): void {}
    }
    const logger = new Counting();
    new EventLog({ levels: EVENT_LEVELS, clock, logger }).emit("worker_start");
    expect(logger.count).toBe(1);
  });

  test("is asked for its level at every event, since the level may change", () => {
    const { logger, written } = recorder();
    let least: LogLevel = "warn";
    const isLevelEnabled = (level: LogLevel): boolean => level === "warn" || least === level;
    const log = new EventLog({ levels: EVENT_LEVELS, clock, logger: { ...logger, isLevelEnabled } });
    expect([log.event("request_start").enabled, log.event("circuit_open").enabled]).toEqual([false, true]);
    log.emit("request_start");
    least = "debug";
    log.emit("request_start");
    expect(written.map(([level]) => level)).toEqual(["debug"]);
  });

  test("without a debug method receives no debug events", () => {
    const { logger } = recorder();
    const { info, warn, error } = logger;
    const log = new EventLog({ levels: EVENT_LEVELS, clock, logger: { info, warn, error } });
    expect(log.event("request_end").enabled).toBe(false);
  });

  test("may throw when it writes or is asked for its level", () => {
    const throwing = (): never => {
      throw new Error("disk full");
    };
    const log = new EventLog({
      levels: EVENT_LEVELS,
      clock,
      logger: { info: throwing, warn: throwing, error: throwing },
    });
    expect(() => log.emit("circuit_open")).not.toThrow();
    const { logger, written } = recorder();
    const asking = new EventLog({ levels: EVENT_LEVELS, clock, logger: { ...logger, isLevelEnabled: throwing } });
    expect(asking.event("circuit_open").enabled).toBe(false);
    expect(() => asking.emit("circuit_open")).not.toThrow();
    expect(written).toEqual([]);
  });

  test("set to false turns logging off", () => {
    const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const log = new EventLog({ levels: EVENT_LEVELS, clock, logger: false });
    log.emit("heartbeat_timeout");
    const calls = stderr.mock.calls.length;
    stderr.mockRestore();
    expect([calls, log.event("heartbeat_timeout").enabled]).toEqual([0, false]);
  });

  test("defaults to warnings and errors as readable lines on stderr", () => {
    const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const log = new EventLog({ levels: EVENT_LEVELS, clock, context: { workerId: "w1" } });
    log.emit("worker_start");
    log.emit("circuit_open", { message: "Circuit open after 5 failures" });
    const lines = stderr.mock.calls.map(([line]) => line);
    stderr.mockRestore();
    expect(lines).toEqual(["2023-11-14T22:13:20.000Z WARN  circuit_open Circuit open after 5 failures workerId=w1\n"]);
  });
});

describe("the diagnostics channels", () => {
  const events: unknown[] = [];
  const listener = (message: unknown): void => void events.push(message);

  afterEach(() => {
    for (const event of Object.keys(EVENT_LEVELS)) {
      unsubscribe(`multifrost:${event}`, listener);
    }
    events.length = 0;
  });

  test("receive the same events with their level, one channel per event", () => {
    const log = new EventLog({ levels: EVENT_LEVELS, clock, logger: false, context });
    subscribe("multifrost:request_start", listener);
    log.emit("request_start", { requestId: "r1", functionName: "add" });
    log.emit("request_end", { requestId: "r1" });
    const expected: LogEvent = {
      level: "debug",
      event: "request_start",
      timestamp,
      ...context,
      requestId: "r1",
      functionName: "add",
    };
    expect(events).toEqual([expected]);
  });

  test("enable an event while it has a subscriber, also one that subscribes later", () => {
    const log = new EventLog({ levels: EVENT_LEVELS, clock, logger: false });
    const seen = [log.event("request_start").enabled];
    subscribe(eventChannelName("request_start"), listener);
    seen.push(log.event("request_start").enabled, log.event("request_end").enabled);
    unsubscribe(eventChannelName("request_start"), listener);
    seen.push(log.event("request_start").enabled);
    expect(seen).toEqual([false, true, false, false]);
  });

  test("and the logger receive events independently of each other", () => {
    const { logger, written } = recorder();
    const log = new EventLog({
      levels: EVENT_LEVELS,
      clock,
      logger: { ...logger, isLevelEnabled: (level) => level === "warn" },
    });
    subscribe("multifrost:request_start", listener);
    log.emit("request_start");
    log.emit("circuit_open");
    expect([events.length, written.length]).toEqual([1, 1]);
  });

  test("without a subscriber are not published to", () => {
    const publish = vi.spyOn(channel("multifrost:worker_stop"), "publish");
    new EventLog({ levels: EVENT_LEVELS, clock, logger: false }).emit("worker_stop");
    const calls = publish.mock.calls.length;
    publish.mockRestore();
    expect(calls).toBe(0);
  });
});
