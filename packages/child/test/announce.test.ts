import { createCodec, RegistryError } from "@multifrost/protocol";
import type { ServiceRegistry } from "@multifrost/registry";
import { createMemoryTransport, type ServerEvents, zeromqClient } from "@multifrost/transport";
import { describe, expect, onTestFinished, test } from "vitest";
import { announce, openChannel } from "../src/announce.js";
import type { StartMode } from "../src/start-mode.js";
import { openParent } from "./support/parent.js";
import { until } from "./support/until.js";

const codec = createCodec();

function eventsThatCount(): { events: ServerEvents; ups: () => number } {
  let ups = 0;
  const events: ServerEvents = {
    message() {},
    up() {
      ups++;
    },
    down() {},
    dropped() {},
    failed() {},
    peerGone() {},
  };
  return { events, ups: () => ups };
}

/** A registry in memory that writes down what it is asked. */
function fakeRegistry(asked: string[], failure?: Error): ServiceRegistry {
  const unused = () => expect.unreachable();
  return {
    async register({ serviceId, port }) {
      asked.push(`register ${serviceId} ${port}`);
      if (failure !== undefined) {
        throw failure;
      }
      return { serviceId, port, pid: process.pid };
    },
    async unregister(serviceId) {
      asked.push(`unregister ${serviceId}`);
      return true;
    },
    discover: unused,
    list: unused,
    prune: unused,
  };
}

async function open(mode: StartMode, host?: string) {
  const { events, ups } = eventsThatCount();
  const channel = await openChannel(mode, host === undefined ? {} : { host }, codec, events);
  onTestFinished(() => channel.close());
  return { channel, ups };
}

describe("the channel of each mode", () => {
  test("[NET-1] [NET-3] a spawned worker connects to its parent's port on the loopback address", async () => {
    const parent = await openParent(zeromqClient({ bind: {} }));
    const { channel, ups } = await open({ kind: "spawned", port: parent.port });
    expect(channel.endpoint).toBe(`tcp://127.0.0.1:${parent.port}`);
    await until(() => ups() === 1);
  });

  test("[NET-2] a service binds to a free port of the loopback address", async () => {
    const { channel } = await open({ kind: "service", serviceId: "math" });
    expect(channel.endpoint).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
  });

  test("[NET-2] or to the address it is told", async () => {
    const { channel } = await open({ kind: "service", serviceId: "math" }, "127.0.0.2");
    expect(channel.endpoint).toMatch(/^tcp:\/\/127\.0\.0\.2:\d+$/);
  });

  test("a transport of its own is opened as it is", async () => {
    const { channel } = await open({
      kind: "composed",
      transport: createMemoryTransport().server,
      serviceId: undefined,
    });
    expect(channel.endpoint).toBe("memory://local");
  });
});

describe("the registry", () => {
  test("is told of a service and its port, and told to forget it", async () => {
    const asked: string[] = [];
    const announcement = await announce(
      { kind: "service", serviceId: "math" },
      "tcp://127.0.0.1:40123",
      fakeRegistry(asked),
    );
    expect(announcement).toMatchObject({ serviceId: "math", port: 40_123 });
    await announcement?.withdraw();
    expect(asked).toEqual(["register math 40123", "unregister math"]);
  });

  test("is told nothing in the other modes", async () => {
    const asked: string[] = [];
    const registry = fakeRegistry(asked);
    expect(await announce({ kind: "spawned", port: 40_123 }, "tcp://127.0.0.1:40123", registry)).toBeUndefined();
    const transport = createMemoryTransport().server;
    expect(
      await announce({ kind: "composed", transport, serviceId: "math" }, "memory://local", registry),
    ).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test("rejects with its own error", async () => {
    const taken = new RegistryError("SERVICE_EXISTS", "taken");
    const registering = announce(
      { kind: "service", serviceId: "math" },
      "tcp://127.0.0.1:40123",
      fakeRegistry([], taken),
    );
    await expect(registering).rejects.toBe(taken);
  });

  test("cannot be told of an endpoint without a port: TRANSPORT_UNAVAILABLE", async () => {
    const registering = announce({ kind: "service", serviceId: "math" }, "ipc:///tmp/x", fakeRegistry([]));
    await expect(registering).rejects.toMatchObject({ code: "TRANSPORT_UNAVAILABLE" });
  });
});
