import { createEventLog, type LogRecord } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/reliability/testing";
import { expect, test } from "vitest";
import { createRareEvent } from "../src/rare-event.js";

function stage() {
  const told: LogRecord[] = [];
  const take = (record: LogRecord): void => void told.push(record);
  const logger = { debug: take, info: take, warn: take, error: take };
  const clock = createFakeClock();
  const events = createEventLog({ clock, logger });
  return { told, clock, rare: createRareEvent(events, "message_dropped", clock), logger };
}

test("all are counted, one a second is told, and the next one tells how many were not", () => {
  const { told, clock, rare } = stage();
  for (let count = 0; count < 1_000; count++) {
    rare.emit({ message: `drop ${count}`, details: { reason: "x" } });
  }
  clock.advance(999);
  rare.emit({ message: "still too soon" });
  expect(told.map(({ message, details }) => ({ message, details }))).toEqual([
    { message: "drop 0", details: { reason: "x" } },
  ]);
  clock.advance(1);
  rare.emit({ message: "drop 1001", details: { reason: "y" } });
  clock.advance(1_000);
  rare.emit({ message: "drop 1002" });
  expect(told.slice(1).map(({ message, details }) => ({ message, details }))).toEqual([
    { message: "drop 1001", details: { reason: "y", leftOut: 1_000 } },
    { message: "drop 1002", details: undefined },
  ]);
  expect(rare.count).toBe(1_003);
});

test("what telling of it causes is not told in turn", () => {
  const { told, rare, logger } = stage();
  const take = logger.warn;
  logger.warn = (record) => {
    take(record);
    rare.emit({ message: "caused by the logger" });
  };
  rare.emit({ message: "first" });
  expect(told.map(({ message }) => message)).toEqual(["first"]);
  expect(rare.count).toBe(2);
});
