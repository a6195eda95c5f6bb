import { createCodec } from "@multifrost/protocol";
import { RegistryError } from "@multifrost/protocol/errors";
import type { ServiceRegistry } from "@multifrost/registry";
import { createMemoryTransport, type ServerEvents } from "@multifrost/transport";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { ChildOptions } from "../../src/options.js";
import {
  announce,
  startMode as chooseMode,
  type SpawnedMode,
  type StartMode,
  serverTransport,
  takeFromParent,
} from "../../src/session/start-mode.js";
import { networkClient } from "../support/network.js";
import { openParent } from "../support/parent.js";
import { until } from "../support/until.js";

const codec = createCodec();
const transport = createMemoryTransport().server;
const PORT = { COMLINK_ZMQ_PORT: "40123" };

/** What a parent without a private socket gives. */
const spawned = (port: number): SpawnedMode => ({
  kind: "spawned",
  port,
  path: undefined,
  token: undefined,
  transport: "zmtp",
});
const service = { kind: "service", serviceId: "math", transport: "zmtp" } as const;

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

function startMode(options: ChildOptions, env: Record<string, string | undefined>): StartMode {
  return chooseMode(options, takeFromParent(env), env);
}

/** A registry that keeps what it is asked. */
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
  const channel = await serverTransport(mode, host, codec.limits).open(events);
  onTestFinished(() => channel.close());
  return { channel, ups };
}

describe("how a worker is reached", () => {
  beforeEach(() => {
    Reflect.deleteProperty(process, Symbol.for("multifrost.spawnedWorker"));
  });

  test("[NET-3] by the parent that put its port into the environment", () => {
    expect(startMode({}, { ...PORT })).toEqual(spawned(40_123));
  });

  test("as a service, where it has an id", () => {
    expect(startMode({ serviceId: "math" }, {})).toEqual(service);
  });

  test("by that parent only, where it spawned a service", () => {
    expect(startMode({ serviceId: "math" }, { ...PORT })).toEqual(spawned(40_123));
  });

  test("over a given transport, whatever else there is", () => {
    expect(startMode({ serviceId: "math", transport }, { ...PORT })).toMatchObject({ kind: "composed", transport });
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

  test("[NET-7] over ZMTP and the private socket of a parent that has one, with its token", () => {
    const env = { ...PORT, MULTIFROST_ENDPOINT: "ipc:///tmp/mf-abc/s", MULTIFROST_TOKEN: "secret" };
    expect(startMode({}, { ...env })).toEqual({
      kind: "spawned",
      port: 40_123,
      path: "/tmp/mf-abc/s",
      token: "secret",
      transport: "zmtp",
    });
    expect(startMode({ transport: "zeromq" }, { ...env })).toMatchObject({ token: "secret", transport: "zeromq" });
  });

  test("on Windows the private socket is a named pipe", () => {
    const path = String.raw`\\.\pipe\multifrost-0123`;
    expect(startMode({}, { ...PORT, MULTIFROST_ENDPOINT: `ipc://${path}` })).toMatchObject({ path, transport: "zmtp" });
  });

  test("[NET-9] removes what the parent gave from the environment, so that no process it starts is taken for the worker", () => {
    const env: Record<string, string | undefined> = {
      ...PORT,
      COMLINK_WORKER_MODE: "1",
      MULTIFROST_ENDPOINT: "ipc:///tmp/mf-abc/s",
      MULTIFROST_TOKEN: "secret",
      OTHER: "stays",
    };
    takeFromParent(env);
    expect(env).toEqual({ OTHER: "stays" });
    expect(() => startMode({}, env)).toThrow(
      /Another worker object of this process is the one that the parent spawned/,
    );
    expect(startMode({ serviceId: "math" }, env)).toEqual(service);
  });

  test("the transport is the option's, else that of MULTIFROST_TRANSPORT, else zmtp; another name is INVALID_OPTION", () => {
    const env = { MULTIFROST_TRANSPORT: "zeromq" };
    expect(startMode({ serviceId: "math" }, { ...env })).toMatchObject({ transport: "zeromq" });
    expect(startMode({ serviceId: "math", transport: "auto" }, { ...env })).toMatchObject({ transport: "zeromq" });
    expect(startMode({ serviceId: "math", transport: "zmtp" }, { ...env })).toMatchObject({ transport: "zmtp" });
    expect(() => startMode({ serviceId: "math" }, { MULTIFROST_TRANSPORT: "tcp" })).toThrow(
      "MULTIFROST_TRANSPORT must be 'auto', 'zmtp' or 'zeromq', not \"tcp\".",
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

describe("the channel of each mode", () => {
  test("[NET-1] [NET-3] a spawned worker connects to its parent's port on the loopback address", async () => {
    const parent = await openParent(networkClient({ bind: {} }));
    const { channel, ups } = await open(spawned(parent.port));
    expect(channel.endpoint).toBe(`tcp://127.0.0.1:${parent.port}`);
    await until(() => ups() === 1);
  });

  test("[NET-2] a service binds to a free port of the loopback address", async () => {
    const { channel } = await open(service);
    expect(channel.endpoint).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
  });

  test("[NET-2] or to the `host` it is given", async () => {
    const { channel } = await open(service, "127.0.0.2");
    expect(channel.endpoint).toMatch(/^tcp:\/\/127\.0\.0\.2:\d+$/);
  });

  test("a given transport is opened as it is", async () => {
    const { channel } = await open({
      kind: "composed",
      transport: createMemoryTransport().server,
    });
    expect(channel.endpoint).toBe("memory://local");
  });
});

describe("announcing", () => {
  test("registers a service under its port, and takes it back", async () => {
    const asked: string[] = [];
    const announcement = await announce(service, "tcp://127.0.0.1:40123", async () => fakeRegistry(asked));
    await announcement?.withdraw();
    expect(asked).toEqual(["register math 40123", "unregister math"]);
  });

  test("registers nothing in the other modes", async () => {
    const asked: string[] = [];
    const registry = async () => fakeRegistry(asked);
    expect(await announce(spawned(40_123), "tcp://127.0.0.1:40123", registry)).toBeUndefined();
    expect(await announce({ kind: "composed", transport }, "memory://local", registry)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test("rejects with the registry's error", async () => {
    const taken = new RegistryError("SERVICE_EXISTS", "taken");
    const registering = announce(service, "tcp://127.0.0.1:40123", async () => fakeRegistry([], taken));
    await expect(registering).rejects.toBe(taken);
  });

  test("rejects with TRANSPORT_UNAVAILABLE for an endpoint without a port", async () => {
    const registering = announce(service, "ipc:///tmp/x", async () => fakeRegistry([]));
    await expect(registering).rejects.toMatchObject({ code: "TRANSPORT_UNAVAILABLE" });
  });
});
