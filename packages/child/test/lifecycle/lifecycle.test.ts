import { once } from "node:events";
import { connect } from "node:net";
import { APP_ID } from "@multifrost/protocol";
import { ConnectionError } from "@multifrost/protocol/errors";
import type { ServiceRegistry } from "@multifrost/registry";
import { createMemoryTransport, type ServerTransport } from "@multifrost/transport";
import { describe, expect, onTestFinished, test } from "vitest";
import { MethodTable } from "../../src/calls/method-table.js";
import { Lifecycle } from "../../src/lifecycle/lifecycle.js";
import { type ChildOptions, resolveChildOptions } from "../../src/options.js";
import type { SessionEnd } from "../../src/session/session.js";
import { FakeTransport } from "../support/fake-channel.js";
import { joined, mapBytes, nestedArrays, textBytes } from "../support/hostile-bytes.js";
import { keepingLogger } from "../support/log.js";
import { networkClient } from "../support/network.js";
import { openParent } from "../support/parent.js";
import { until } from "../support/until.js";

class Methods {
  add(a: number, b: number): number {
    return a + b;
  }
  fail(length: number): never {
    throw new Error("m".repeat(length));
  }
  give(length: number): string {
    return "x".repeat(length);
  }
}

/** A lifecycle on its way; stopped with the test. */
function start(given: ChildOptions, onEnd: (end: SessionEnd) => void = () => {}) {
  const options = resolveChildOptions({ forwardOutput: false, logger: false, stopTimeout: 0, ...given });
  const lifecycle = new Lifecycle(options, onEnd);
  const methods = (): MethodTable => new MethodTable(new Methods(), Object.prototype, ["add", "fail", "give"]);
  const starting = lifecycle.start("default", methods);
  onTestFinished(() => lifecycle.stop());
  return { lifecycle, starting };
}

async function overMemory(given: ChildOptions = {}, channelBytes?: number) {
  const transport = createMemoryTransport(channelBytes === undefined ? {} : { maxMessageBytes: channelBytes });
  const { lifecycle, starting } = start({ transport: transport.server, ...given });
  await starting;
  return { lifecycle, parent: await openParent(transport.client()) };
}

test("over a transport of the user, given as an option or to start(), output is forwarded only on request", async () => {
  const isTapped = async (options: ChildOptions, transport?: ServerTransport): Promise<boolean> => {
    const { write } = process.stdout;
    const lifecycle = new Lifecycle(resolveChildOptions({ logger: false, ...options }), () => {});
    await lifecycle.start("default", () => new MethodTable(new Methods(), Object.prototype, ["add"]), transport);
    const tapped = process.stdout.write !== write;
    await lifecycle.stop();
    return tapped;
  };
  const memory = (): ServerTransport => createMemoryTransport().server;
  expect(await isTapped({ transport: memory() })).toBe(false);
  expect(await isTapped({ serviceId: "math" }, memory())).toBe(false);
  expect(await isTapped({ transport: memory(), forwardOutput: true })).toBe(true);
  expect(await isTapped({ forwardOutput: true }, memory())).toBe(true);
});

const HEARTBEAT = { app: APP_ID, id: "hostile", type: "heartbeat" };

describe("[NET-6] whatever has to be echoed, the child goes on", () => {
  test.each<[string, Uint8Array]>([
    ["args nested deeper than can be sent", joined(mapBytes(HEARTBEAT, 1), textBytes("args"), nestedArrays(101))],
    ["an invalid date", joined(mapBytes(HEARTBEAT, 1), textBytes("args"), invalidDate())],
    ["a message as long as one may be", joined(mapBytes({ ...HEARTBEAT, filler: "x".repeat(9_920) }))],
    ["args as long as a message may be", joined(mapBytes(HEARTBEAT, 1), textBytes("args"), arrayOfText(9_920))],
    ["an id as long as a message may be", joined(mapBytes({ app: APP_ID, type: "heartbeat", id: "x".repeat(9_950) }))],
    ["a call's id that long", joined(mapBytes({ app: APP_ID, type: "call", id: "x".repeat(9_950) }))],
    [
      "an unreadable call's id that long",
      joined(mapBytes({ app: APP_ID, type: "call", id: "x".repeat(9_930), function: 5 })),
    ],
  ])("%s", async (_what, bytes) => {
    const { lifecycle, parent } = await overMemory({ limits: { maxMessageBytes: 10_000 } });
    expect(bytes.length).toBeLessThan(10_000);
    parent.sendBytes(bytes);
    expect(await parent.call("add", [1, 2])).toMatchObject({ result: 3 });
    expect(lifecycle.droppedMessages).toBeLessThanOrEqual(2);
  });

  test("an answer that cannot be sent at all is counted", async () => {
    const { lifecycle, parent } = await overMemory({ limits: { maxMessageBytes: 10_000 } });
    parent.sendBytes(joined(mapBytes({ app: APP_ID, type: "call", id: "x".repeat(9_950) })));
    await until(() => lifecycle.droppedMessages === 1);
    await parent.heartbeat();
  });
});

describe("answers within small limits", () => {
  test.each<[string, ChildOptions, number | undefined]>([
    ["the codec's message limit", { limits: { maxMessageBytes: 5_000 } }, undefined],
    ["the codec's text limit", { limits: { maxStringBytes: 3_000 } }, undefined],
    ["the channel's message limit", {}, 5_000],
  ])("%s: what is too large is an error, an error that is too large a shorter one", async (_limit, given, bytes) => {
    const { parent } = await overMemory(given, bytes);
    expect(await parent.call("give", [10_000])).toMatchObject({
      type: "error",
      error: expect.stringMatching(/^What 'give' returned cannot be sent\. /),
    });
    expect(await parent.call("fail", [10_000])).toMatchObject({
      type: "error",
      error: expect.stringMatching(/^m{16,}$/),
    });
  });
});

describe("a service", () => {
  test("answers from the moment it is bound, also while it registers", async () => {
    let port = 0;
    let finish: () => void = () => {};
    const registry: ServiceRegistry = {
      register: (registration) => {
        port = registration.port;
        return new Promise((resolve) => {
          finish = () => resolve({ ...registration, pid: process.pid });
        });
      },
      unregister: async () => true,
      discover: () => expect.unreachable(),
      list: () => expect.unreachable(),
      prune: () => expect.unreachable(),
    };
    const { starting } = start({ serviceId: "math", registry });
    await until(() => port !== 0);
    const parent = await openParent(networkClient({ connect: { port } }));
    expect(await parent.call("add", [1, 2])).toMatchObject({ result: 3 });
    finish();
    await starting;
    await parent.heartbeat();
  });

  test("that cannot be registered has closed its port before start rejects", async () => {
    let port = 0;
    const registry = {
      async register(registration: { port: number }) {
        port = registration.port;
        throw new Error("taken");
      },
    } as unknown as ServiceRegistry;
    const { lifecycle, starting } = start({ serviceId: "math", registry });
    await expect(starting).rejects.toThrow("taken");
    expect(lifecycle.endpoint).toBeUndefined();
    const socket = connect({ port, host: "127.0.0.1" });
    const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
  });
});

describe("the log", () => {
  test("has the start and the stop, and calls, each with the ids of the worker", async () => {
    const { logger, events, records } = keepingLogger();
    const { lifecycle, parent } = await overMemory({ logger, serviceId: "math" });
    await parent.call("add", [1, 2]);
    await lifecycle.stop();
    expect(events()).toEqual(["worker_start", "socket_connect", "request_start", "request_end", "worker_stop"]);
    expect(records.every(({ workerId, serviceId }) => workerId === `${process.pid}` && serviceId === "math")).toBe(
      true,
    );
  });

  test("a logger that throws breaks nothing", async () => {
    const fail = (): never => {
      throw new Error("disk full");
    };
    const { parent } = await overMemory({ logger: { debug: fail, info: fail, warn: fail, error: fail } });
    parent.sendBytes(Uint8Array.of(0xc1));
    expect(await parent.call("add", [1, 2])).toMatchObject({ result: 3 });
  });
});

test("a channel that fails for good asks for the end of the worker", async () => {
  const transport = new FakeTransport();
  const ends: SessionEnd[] = [];
  await start({ transport }, (end) => void ends.push(end)).starting;
  transport.events.failed(new ConnectionError("CONNECTION_LOST", "broken"));
  expect(ends).toEqual([{ cause: "channel-failed" }]);
});

/** An array with a timestamp beyond every calendar in it: extension type -1, 96 bits. */
function invalidDate(): Uint8Array {
  return Uint8Array.of(0x91, 0xc7, 12, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
}

function arrayOfText(length: number): Uint8Array {
  return joined(Uint8Array.of(0x91), textBytes("x".repeat(length)));
}
