import { createCall } from "@multifrost/protocol";
import { EVENT_LEVELS } from "@multifrost/protocol/internal";
import { EventLog, RareEvent, systemClock } from "@multifrost/reliability";
import { expect, test } from "vitest";
import { callEvents } from "../../src/call/call-events.js";
import { keepingLogger } from "../support/log.js";

const message = createCall({ function: "add", args: [1], metadata: { correlation_id: "order 7" } });
const named = { requestId: message.id, functionName: "add", correlationId: "order 7" };

function stage() {
  const { logger, told } = keepingLogger();
  const events = new EventLog({ levels: EVENT_LEVELS, clock: systemClock(), logger });
  const drops = new RareEvent({ clock: systemClock(), events, name: "message_dropped" });
  const call = { peer: "parent", message, arrivedAt: performance.now() };
  return { told, drops, call, observers: callEvents(events, drops) };
}

test("a call is told when it begins and when it ends, with its ids and how long it took", () => {
  const { told, call, observers } = stage();
  observers.began(call);
  observers.ended({ ...call, arrivedAt: performance.now() - 250 }, undefined);
  expect(told).toMatchObject([
    { event: "request_start", level: "debug", ...named },
    { event: "request_end", level: "debug", ...named },
  ]);
  expect(told[1]?.durationMs).toBeGreaterThanOrEqual(250);
});

test("a call that failed is told with its error", () => {
  const { told, call, observers } = stage();
  const error = { name: "RangeError", message: "too far" };
  observers.ended(call, error);
  expect(told).toMatchObject([{ event: "request_error", level: "info", err: error, ...named }]);
});

test("a call without an answer and one that was ignored are counted as dropped", () => {
  const { told, call, observers, drops } = stage();
  observers.unanswered(call, new Error("closed"));
  observers.ignored(call);
  expect(drops.count).toBe(2);
  expect(told).toMatchObject([{ event: "message_dropped", message: "An answer could not be sent.", ...named }]);
});

test("a correlation id that is no text is left out", () => {
  const { told, call, observers } = stage();
  observers.began({ ...call, message: { ...message, metadata: { correlation_id: 7 as unknown as string } } });
  expect(told[0]).not.toHaveProperty("correlationId");
});
