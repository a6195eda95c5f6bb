import { createMemoryTransport } from "@multifrost/transport";
import { describe, expect, test } from "vitest";
import { startMode } from "../src/start-mode.js";

const transport = createMemoryTransport().server;
const PORT = { COMLINK_ZMQ_PORT: "40123" };

describe("how a worker is reached", () => {
  test("[NET-3] by the parent that put its port into the environment", () => {
    expect(startMode({}, PORT)).toEqual({ kind: "spawned", port: 40_123 });
  });

  test("as a service, where it has an id", () => {
    expect(startMode({ serviceId: "math" }, {})).toEqual({ kind: "service", serviceId: "math" });
  });

  test("a service that a parent spawns is that parent's", () => {
    expect(startMode({ serviceId: "math" }, PORT)).toEqual({ kind: "spawned", port: 40_123 });
  });

  test("over a transport of its own, whatever else there is", () => {
    expect(startMode({ serviceId: "math", transport }, PORT)).toMatchObject({ kind: "composed", transport });
  });

  test("[NET-4] or not at all: NO_START_MODE", () => {
    expect(() => startMode({}, {})).toThrow(
      expect.objectContaining({
        code: "NO_START_MODE",
        message:
          "This worker has neither COMLINK_ZMQ_PORT in its environment nor a service id. " +
          "Let a parent start it with ParentWorker.spawn(), or name it as a service: new MyWorker('my-service').run().",
      }),
    );
  });

  test.each(["", "abc", "80", "1023", "65536", "40123.5", "0x9000", "-40123"])(
    "[NET-4] port %j is INVALID_PORT",
    (port) => {
      expect(() => startMode({ serviceId: "math" }, { COMLINK_ZMQ_PORT: port })).toThrow(
        expect.objectContaining({ code: "INVALID_PORT" }),
      );
    },
  );
});
