import { createCall } from "@multifrost/protocol";
import { expect, test } from "vitest";
import { CallTelemetry, clock } from "../../src/calls/call-telemetry.js";
import { eventLog, keepingLogger } from "../support/log.js";

const message = createCall({ function: "add", args: [1], metadata: { correlation_id: "order 7" } });
const named = { requestId: message.id, functionName: "add", correlationId: "order 7" };

function setUp() {
  const { logger, records } = keepingLogger();
  const { events, drops } = eventLog(logger);
  const call = { peer: "parent", message, arrivedAt: clock.now(), bytes: 100 };
  return { records, drops, call, telemetry: new CallTelemetry(events, drops) };
}

test("a call is logged when it starts and when it is answered, with its ids and its duration", () => {
  const { records, call, telemetry } = setUp();
  telemetry.started(call);
  telemetry.answered({ ...call, arrivedAt: clock.now() - 250 }, undefined);
  expect(records).toMatchObject([
    { event: "request_start", level: "debug", ...named },
    { event: "request_end", level: "debug", ...named },
  ]);
  expect(records[1]?.durationMs).toBeGreaterThanOrEqual(250);
});

test("a call that failed is logged with its error", () => {
  const { records, call, telemetry } = setUp();
  const error = { name: "RangeError", message: "too far" };
  telemetry.answered(call, error);
  expect(records).toMatchObject([{ event: "request_error", level: "info", err: error, ...named }]);
});

test("an ignored call and one that could not be answered are counted as dropped", () => {
  const { records, call, telemetry, drops } = setUp();
  telemetry.unanswered(call, new Error("closed"));
  telemetry.ignored(call);
  expect(drops.count).toBe(2);
  expect(records).toMatchObject([{ event: "message_dropped", message: "An answer could not be sent.", ...named }]);
});

test("a correlation id that is not a string is left out", () => {
  const { records, call, telemetry } = setUp();
  telemetry.started({ ...call, message: { ...message, metadata: { correlation_id: 7 as unknown as string } } });
  expect(records[0]).not.toHaveProperty("correlationId");
});

test("a call that is not logged costs nothing: its fields are not read", () => {
  const { events, drops } = eventLog(false);
  const telemetry = new CallTelemetry(events, drops);
  const unread = new Proxy(message, {
    get: () => expect.unreachable(),
  });
  const call = { peer: "parent", message: unread, arrivedAt: 0, bytes: 100 };
  telemetry.started(call);
  telemetry.answered(call, undefined);
  telemetry.answered(call, { name: "Error", message: "m" });
});
