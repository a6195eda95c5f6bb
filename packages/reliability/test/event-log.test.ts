import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  createEventLog,
  EVENT_LEVELS,
  eventChannelName,
  type LogEvent,
  type Logger,
  type LogLevel,
} from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/reliability/testing";
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
  test("gets the fields first and the sentence second, at the event's level", () => {
    const { logger, written } = recorder();
    const fields = { message: "Heartbeat 2 of 3 missed", details: { misses: 2 } };
    createEventLog({ clock, logger, context }).emit("heartbeat_missed", fields);
    const record = { event: "heartbeat_missed", timestamp, ...context, ...fields };
    expect(written).toEqual([["warn", record, "Heartbeat 2 of 3 missed"]]);
  });

  test("gets the event's name where there is no sentence, and another level where one is given", () => {
    const { logger, written } = recorder();
    createEventLog({ clock, logger }).emit("socket_disconnect", {}, "info");
    expect(written).toEqual([["info", { event: "socket_disconnect", timestamp }, "socket_disconnect"]]);
  });

  test("shaped like console gets the sentence first, and nothing for debugging", () => {
    const { logger, written } = recorder();
    const log = createEventLog({ clock, logger: Object.assign(logger, { table: () => {} }) });
    log.emit("worker_start");
    log.emit("request_start");
    expect(written).toEqual([["info", "worker_start", { event: "worker_start", timestamp }]]);
    expect(log.enabled("request_start")).toBe(false);
  });

  test("may be the console itself", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    createEventLog({ clock, logger: console }).emit("worker_restart", { message: "Worker restarted" });
    const calls = warn.mock.calls;
    warn.mockRestore();
    expect(calls).toEqual([["Worker restarted", { event: "worker_restart", timestamp, message: "Worker restarted" }]]);
  });

  test("keeps its own this", () => {
    class Counting implements Logger {
      count = 0;
      info(): void {
        this.count += 1;
      }
      warn(): void {}
      error(): void {}
    }
    const logger = new Counting();
    createEventLog({ clock, logger }).emit("worker_start");
    expect(logger.count).toBe(1);
  });

  test("is asked whether it writes a level, each time, since that may change", () => {
    const { logger, written } = recorder();
    let least: LogLevel = "warn";
    const isLevelEnabled = (level: LogLevel): boolean => level === "warn" || least === level;
    const log = createEventLog({ clock, logger: { ...logger, isLevelEnabled } });
    expect([log.enabled("request_start"), log.enabled("circuit_open")]).toEqual([false, true]);
    log.emit("request_start");
    least = "debug";
    log.emit("request_start");
    expect(written.map(([level]) => level)).toEqual(["debug"]);
  });

  test("without debug gets no debugging events", () => {
    const { logger } = recorder();
    const { info, warn, error } = logger;
    expect(createEventLog({ clock, logger: { info, warn, error } }).enabled("request_end")).toBe(false);
  });

  test("that throws breaks nothing, neither writing nor when asked for its level", () => {
    const throwing = (): never => {
      throw new Error("disk full");
    };
    const log = createEventLog({ clock, logger: { info: throwing, warn: throwing, error: throwing } });
    expect(() => log.emit("circuit_open")).not.toThrow();
    const { logger, written } = recorder();
    const asking = createEventLog({ clock, logger: { ...logger, isLevelEnabled: throwing } });
    expect(asking.enabled("circuit_open")).toBe(false);
    expect(() => asking.emit("circuit_open")).not.toThrow();
    expect(written).toEqual([]);
  });

  test("set to false turns logging off", () => {
    const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const log = createEventLog({ clock, logger: false });
    log.emit("heartbeat_timeout");
    const calls = stderr.mock.calls.length;
    stderr.mockRestore();
    expect([calls, log.enabled("heartbeat_timeout")]).toEqual([0, false]);
  });

  test("left out means warnings and errors, readable, to stderr", () => {
    const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const log = createEventLog({ clock, context: { workerId: "w1" } });
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

  test("get the same events, with their level, each on a channel of its own", () => {
    const log = createEventLog({ clock, logger: false, context });
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

  test("make an event enabled from the moment somebody subscribes until nobody does, also after the log was made", () => {
    const log = createEventLog({ clock, logger: false });
    const seen = [log.enabled("request_start")];
    subscribe(eventChannelName("request_start"), listener);
    seen.push(log.enabled("request_start"), log.enabled("request_end"));
    unsubscribe(eventChannelName("request_start"), listener);
    seen.push(log.enabled("request_start"));
    expect(seen).toEqual([false, true, false, false]);
  });

  test("are told what the logger does not want, and the other way round", () => {
    const { logger, written } = recorder();
    const log = createEventLog({ clock, logger: { ...logger, isLevelEnabled: (level) => level === "warn" } });
    subscribe("multifrost:request_start", listener);
    log.emit("request_start");
    log.emit("circuit_open");
    expect([events.length, written.length]).toEqual([1, 1]);
  });

  test("are not published to where nobody subscribed", () => {
    const publish = vi.spyOn(channel("multifrost:worker_stop"), "publish");
    createEventLog({ clock, logger: false }).emit("worker_stop");
    const calls = publish.mock.calls.length;
    publish.mockRestore();
    expect(calls).toBe(0);
  });
});
