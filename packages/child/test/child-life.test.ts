import { once } from "node:events";
import { connect } from "node:net";
import { APP_ID, createCodec, createHeartbeat, type Message } from "@multifrost/protocol";
import type { ServiceRegistry } from "@multifrost/registry";
import { createMemoryTransport, type ServerTransport, zeromqClient } from "@multifrost/transport";
import { describe, expect, onTestFinished, test } from "vitest";
import { createMethodTable } from "../src/call/method-table.js";
import { type ChildLife, startLife } from "../src/child-life.js";
import { type ChildOptions, resolveChildOptions } from "../src/options.js";
import type { StartMode } from "../src/start-mode.js";
import { joined, mapBytes, nestedArrays, textBytes } from "./support/hostile-bytes.js";
import { keepingLogger } from "./support/log.js";
import { openParent } from "./support/parent.js";
import { until } from "./support/until.js";

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

function start(mode: StartMode, given: ChildOptions, onFailed = (): void => {}): Promise<ChildLife> {
  const worker = new Methods();
  const starting = startLife({
    options: resolveChildOptions({ forwardOutput: false, logger: false, ...given }),
    mode,
    methods: createMethodTable(worker, Object.prototype, () => ["add", "fail", "give"]),
    onShutdown() {},
    onFailed,
    onOrphaned() {},
  });
  onTestFinished(async () => (await starting.catch(() => undefined))?.end(0));
  return starting;
}

async function overMemory(given: ChildOptions = {}, channelBytes?: number) {
  const transport = createMemoryTransport(channelBytes === undefined ? {} : { maxMessageBytes: channelBytes });
  const life = await start({ kind: "composed", transport: transport.server, serviceId: undefined }, given);
  return { life, parent: await openParent(transport.client()) };
}

const HEARTBEAT = { app: APP_ID, id: "hostile", type: "heartbeat" };

describe("[NET-6] whatever is echoed, the child goes on", () => {
  test.each<[string, Uint8Array]>([
    ["args nested deeper than can be sent", joined(mapBytes(HEARTBEAT, 1), textBytes("args"), nestedArrays(101))],
    ["a date that there is not", joined(mapBytes(HEARTBEAT, 1), textBytes("args"), invalidDate())],
    ["a message as long as one may be", joined(mapBytes({ ...HEARTBEAT, filler: "x".repeat(9_920) }))],
    ["args as long as a message may be", joined(mapBytes(HEARTBEAT, 1), textBytes("args"), arrayOfText(9_920))],
    ["an id as long as a message may be", joined(mapBytes({ app: APP_ID, type: "heartbeat", id: "x".repeat(9_950) }))],
    ["a call's id that long", joined(mapBytes({ app: APP_ID, type: "call", id: "x".repeat(9_950) }))],
    [
      "an unreadable call's id that long",
      joined(mapBytes({ app: APP_ID, type: "call", id: "x".repeat(9_930), function: 5 })),
    ],
  ])("%s", async (_what, bytes) => {
    const { life, parent } = await overMemory({ limits: { maxMessageBytes: 10_000 } });
    expect(bytes.length).toBeLessThan(10_000);
    parent.sendBytes(bytes);
    expect(await parent.call("add", [1, 2])).toMatchObject({ result: 3 });
    expect(life.droppedMessages).toBeLessThanOrEqual(2);
  });

  test("an answer that cannot be sent at all is counted", async () => {
    const { life, parent } = await overMemory({ limits: { maxMessageBytes: 10_000 } });
    parent.sendBytes(joined(mapBytes({ app: APP_ID, type: "call", id: "x".repeat(9_950) })));
    await until(() => life.droppedMessages === 1);
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
    const starting = start({ kind: "service", serviceId: "math" }, { serviceId: "math", registry });
    await until(() => port !== 0);
    const parent = await openParent(zeromqClient({ connect: { port } }));
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
    const starting = start({ kind: "service", serviceId: "math" }, { registry });
    await expect(starting).rejects.toThrow("taken");
    const socket = connect({ port, host: "127.0.0.1" });
    const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
  });
});

describe("the log", () => {
  test("tells the start and the end, and calls, each with its ids", async () => {
    const { logger, events, told } = keepingLogger();
    const { life, parent } = await overMemory({ logger, serviceId: "math" });
    await parent.call("add", [1, 2]);
    await life.end(0);
    expect(events()).toEqual(["worker_start", "socket_connect", "request_start", "request_end", "worker_stop"]);
    expect(told.every(({ workerId, serviceId }) => workerId === `${process.pid}` && serviceId === "math")).toBe(true);
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

test("a transport that speaks at once is heard, and not answered before its channel is there", async () => {
  const codec = createCodec();
  const sent: Message[] = [];
  let message: (peer: string, bytes: Uint8Array) => void = () => {};
  const transport: ServerTransport = {
    async open(events) {
      message = events.message;
      queueMicrotask(() => events.message("early", codec.encode(createHeartbeat("early"))));
      return {
        endpoint: "mine://",
        queued: 0,
        send: (_peer, bytes) => void sent.push(codec.decode(bytes)),
        close: async () => {},
      };
    },
  };
  await start({ kind: "composed", transport, serviceId: undefined }, {});
  message("later", codec.encode(createHeartbeat("later")));
  expect(sent.at(-1)).toMatchObject({ id: "later" });
});

test("a channel that fails for good is told", async () => {
  let failures = 0;
  const transport: ServerTransport = {
    async open(events) {
      setImmediate(() => events.failed(new Error("broken") as never));
      return { endpoint: "mine://", queued: 0, send() {}, close: async () => {} };
    },
  };
  await start({ kind: "composed", transport, serviceId: undefined }, {}, () => {
    failures++;
  });
  await until(() => failures === 1);
});

/** An array with a timestamp beyond every calendar in it: extension type -1, 96 bits. */
function invalidDate(): Uint8Array {
  return Uint8Array.of(0x91, 0xc7, 12, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
}

function arrayOfText(length: number): Uint8Array {
  return joined(Uint8Array.of(0x91), textBytes("x".repeat(length)));
}
