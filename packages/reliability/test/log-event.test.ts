import { EVENT_LEVELS, type LogEventName } from "@multifrost/reliability";
import { expect, test } from "vitest";

const at = (level: string): string[] =>
  (Object.keys(EVENT_LEVELS) as LogEventName[]).filter((event) => EVENT_LEVELS[event] === level).sort();

test("what nobody else would hear of is a warning or an error, and nothing more is", () => {
  expect(at("error")).toEqual(["handler_error", "heartbeat_timeout"]);
  expect(at("warn")).toEqual([
    "circuit_open",
    "heartbeat_missed",
    "interface_mismatch",
    "message_dropped",
    "output_dropped",
    "process_held",
    "registry_warning",
    "socket_disconnect",
    "worker_restart",
  ]);
});

test("what happens for every call, and only that, is for debugging", () => {
  expect(at("debug")).toEqual(["request_end", "request_start"]);
});

test("a call that failed is told to its caller and is no warning", () => {
  expect([EVENT_LEVELS.request_error, EVENT_LEVELS.request_timeout]).toEqual(["info", "info"]);
});
