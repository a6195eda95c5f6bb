import { EVENT_LEVELS } from "@multifrost/protocol/internal";
import { EventLog, type LogLevel, type LogRecord } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/reliability/testing";
import { expect, it, vi } from "vitest";
import { noteProcessEnd } from "../src/process-end.js";

it.each<[boolean, LogLevel]>([
  [true, "warn"],
  [false, "info"],
])("an exit is an event and a log record; unexpected: %s, level: %s", (unexpected, level) => {
  const logged: [LogLevel, LogRecord][] = [];
  const at = (name: LogLevel) => (record: LogRecord) => void logged.push([name, record]);
  const logger = { info: at("info"), warn: at("warn"), error: at("error") };
  const notify = vi.fn(() => true);
  const exit = { exitCode: 1, signal: null, stderrTail: "oh", command: "node worker.mjs" };
  noteProcessEnd(
    exit,
    unexpected,
    { name: "math", notify },
    { events: new EventLog({ levels: EVENT_LEVELS, clock: createFakeClock(), logger }) },
  );
  expect(notify.mock.calls).toEqual([["exit", exit]]);
  expect(logged).toMatchObject([
    [level, { event: "process_exit", message: "The process of math ended (exit code 1).", details: exit }],
  ]);
});
