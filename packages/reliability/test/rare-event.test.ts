import { EVENT_LEVELS } from "@multifrost/protocol/internal";
import { EventLog, type LogRecord } from "@multifrost/reliability";
import { createFakeClock } from "@multifrost/testing";
import { expect, test } from "vitest";
import { RareEvent } from "../src/rare-event.js";

function setup() {
  const emitted: LogRecord[] = [];
  const take = (record: LogRecord): void => void emitted.push(record);
  const logger = { debug: take, info: take, warn: take, error: take };
  const clock = createFakeClock();
  const events = new EventLog({ levels: EVENT_LEVELS, clock, logger });
  return { emitted, clock, rare: new RareEvent({ clock, events, name: "message_dropped" }), logger };
}

test("counts all events, emits one a second, and reports how many were left out", () => {
  const { emitted, clock, rare } = setup();
  for (let count = 0; count < 1_000; count++) {
    rare.emit({ message: `drop ${count}`, details: { reason: "x" } });
  }
  clock.advance(999);
  rare.emit({ message: "still too soon" });
  expect(emitted.map(({ message, details }) => ({ message, details }))).toEqual([
    { message: "drop 0", details: { reason: "x" } },
  ]);
  clock.advance(1);
  rare.emit({ message: "drop 1001", details: { reason: "y" } });
  clock.advance(1_000);
  rare.emit({ message: "drop 1002" });
  expect(emitted.slice(1).map(({ message, details }) => ({ message, details }))).toEqual([
    { message: "drop 1001", details: { reason: "y", leftOut: 1_000 } },
    { message: "drop 1002", details: undefined },
  ]);
  expect(rare.count).toBe(1_003);
});

test("an event caused by emitting one is counted and not emitted", () => {
  const { emitted, rare, logger } = setup();
  const take = logger.warn;
  logger.warn = (record) => {
    take(record);
    rare.emit({ message: "caused by the logger" });
  };
  rare.emit({ message: "first" });
  expect(emitted.map(({ message }) => message)).toEqual(["first"]);
  expect(rare.count).toBe(2);
});
