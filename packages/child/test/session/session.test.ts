import {
  APP_ID,
  createCall,
  createCodec,
  createError,
  createHeartbeat,
  createOutput,
  createReady,
  createResponse,
  createShutdown,
  type Message,
} from "@multifrost/protocol";
import { ConnectionError } from "@multifrost/protocol/errors";
import type { ServerEvents, ServerTransport } from "@multifrost/transport";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { MethodTable } from "../../src/calls/method-table.js";
import { type ChildOptions, resolveChildOptions } from "../../src/options.js";
import { ParentWatch } from "../../src/session/parent-watch.js";
import { Session, type SessionEnd } from "../../src/session/session.js";
import type { StartMode } from "../../src/session/start-mode.js";
import { FakeChannel, FakeTransport } from "../support/fake-channel.js";
import { mapBytes } from "../support/hostile-bytes.js";
import { eventLog, keepingLogger } from "../support/log.js";
import { networkClient, networkName } from "../support/network.js";
import { openParent } from "../support/parent.js";
import { until } from "../support/until.js";

const codec = createCodec();

async function openSession(mode: StartMode, given: ChildOptions = {}) {
  const ends: SessionEnd[] = [];
  const added: unknown[][] = [];
  const { logger, records } = keepingLogger();
  const { events, drops } = eventLog(logger);
  const worker = Object.create({ add: (...args: unknown[]) => added.push(args) });
  const session = await Session.open(
    {
      mode,
      options: resolveChildOptions({ forwardOutput: false, ...given }),
      methods: new MethodTable(worker, Object.prototype, ["add"]),
      codec,
      events,
      drops,
    },
    (end) => void ends.push(end),
  );
  onTestFinished(() => session.close());
  return { session, ends, added, records, drops };
}

async function setUp(given: ChildOptions = {}) {
  const transport = new FakeTransport();
  const opened = await openSession({ kind: "composed", transport }, given);
  const { channel, events } = transport;
  const answers = (): Message[] => channel.sent.map(({ bytes }) => codec.decode(bytes));
  const receive = (peer: string, bytes: Uint8Array): void => events.message(peer, bytes);
  return { ...opened, channel, handlers: events, answers, receive };
}

describe("messages by type", () => {
  test("a call runs, and its answer goes to the peer that sent it", async () => {
    const { added, channel, answers, session, receive } = await setUp();
    const call = createCall({ function: "add", args: [1, 2] });
    receive("parent", codec.encode(call));
    expect(added).toEqual([[1, 2]]);
    expect(channel.sent.map(({ peer }) => peer)).toEqual(["parent"]);
    expect(answers()).toMatchObject([{ type: "response", id: call.id, result: 1 }]);
    expect([...session.peers]).toEqual(["parent"]);
  });

  test("[MSG-12] a heartbeat is answered with its id, args and metadata, and hb_response", async () => {
    const { answers, receive } = await setUp();
    const heartbeat = { ...createHeartbeat(), args: [1234], metadata: { hb_timestamp: 1.5, mine: "kept" } };
    receive("parent", codec.encode(heartbeat));
    expect(answers()).toMatchObject([
      {
        type: "heartbeat",
        id: heartbeat.id,
        args: [1234],
        metadata: { hb_timestamp: 1.5, mine: "kept", hb_response: true },
      },
    ]);
  });

  test("[MSG-12] a whole float in a heartbeat comes back as a float", async () => {
    const { channel, receive } = await setUp();
    // As older JavaScript sends it, with its clock in args.
    const args = Uint8Array.of(0x91, 0xcb, 0x42, 0x78, 0xbc, 0xfe, 0x56, 0x8f, 0xa0, 0x00);
    const heartbeat = codec.encode({ type: "heartbeat", id: "i", timestamp: 1.5, args: [17] });
    receive("parent", Buffer.concat([heartbeat.subarray(0, -2), args]));
    expect(Buffer.from(channel.sent[0]?.bytes ?? []).includes(Buffer.from(args))).toBe(true);
  });

  test("[MSG-16] a heartbeat's answer and listFunctions announce what this worker understands, not what the parent does", async () => {
    const { answers, receive } = await setUp();
    receive("parent", codec.encode({ ...createHeartbeat(), metadata: { features: ["cancel"] } }));
    receive("parent", codec.encode(createCall({ function: "listFunctions" })));
    const features = ["undefined"];
    expect(answers()).toMatchObject([{ metadata: { hb_response: true, features } }, { metadata: { features } }]);
  });

  test("[CALL-8] an argument that was not given is undefined for the method", async () => {
    const { added, receive } = await setUp();
    const features = new Set(["undefined"] as const);
    receive("parent", codec.encode(createCall({ function: "add", args: [1, undefined, {}] }), { features }));
    expect(added).toEqual([[1, undefined, {}]]);
  });

  test("[MSG-12] an answer to a heartbeat is not answered", async () => {
    const { answers, receive } = await setUp();
    const heartbeat = createHeartbeat();
    receive("parent", codec.encode({ ...heartbeat, metadata: { ...heartbeat.metadata, hb_response: true } }));
    expect(answers()).toEqual([]);
  });

  test("[LIFE-7] a shutdown does not end a worker that its parents did not spawn: it is counted, and logged", async () => {
    const { ends, drops, records, receive } = await setUp();
    receive("parent", codec.encode(createShutdown()));
    receive("parent", codec.encode(createShutdown()));
    expect({ ends, drops: drops.count }).toEqual({ ends: [], drops: 2 });
    expect(records).toMatchObject([
      { message: "A parent asked this service to end; it goes on, because allowRemoteShutdown is false." },
    ]);
  });

  test("[LIFE-7] a shutdown ends such a worker with allowRemoteShutdown", async () => {
    const { ends, drops, receive } = await setUp({ allowRemoteShutdown: true });
    receive("parent", codec.encode(createShutdown()));
    expect({ ends, drops: drops.count }).toEqual({ ends: [{ cause: "shutdown" }], drops: 0 });
  });

  test.each([
    ["response", createResponse("an id", 1)],
    ["error", createError("an id", { name: "E", message: "m" })],
    ["stdout", createOutput("stdout", "line")],
    ["ready", createReady()],
  ])("[MSG-14] a %s, which only children send, is ignored", async (_type, message) => {
    const { added, answers, drops, ends, receive } = await setUp();
    receive("parent", codec.encode(message));
    expect({ added, answers: answers(), drops: drops.count, ends }).toEqual({
      added: [],
      answers: [],
      drops: 0,
      ends: [],
    });
  });
});

describe("[NET-6] [MSG-1] [MSG-2] [MSG-3] bytes that are no message for this worker", () => {
  test.each([
    ["nothing", new Uint8Array(), "MALFORMED_MESSAGE"],
    ["text", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"), "MALFORMED_MESSAGE"],
    ["a number", Uint8Array.of(7), "MALFORMED_MESSAGE"],
    [
      "a message cut off before its id",
      codec.encode(createCall({ function: "add" })).slice(0, 24),
      "MALFORMED_MESSAGE",
    ],
    ["a message for another app", mapBytes({ app: "other", id: "x", type: "call", function: "add" }), "FOREIGN_APP"],
    ["a message of an unknown type", mapBytes({ app: APP_ID, id: "x", type: "stream" }), "UNKNOWN_TYPE"],
    ["a call without an id", mapBytes({ app: APP_ID, type: "call", function: "add" }), "MISSING_ID"],
    ["a heartbeat without an id", mapBytes({ app: APP_ID, type: "heartbeat" }), "MISSING_ID"],
  ])("%s is dropped and not answered, and its sender gets no output", async (_what, bytes, code) => {
    const { added, answers, drops, records, session, receive } = await setUp();
    receive("stranger", bytes);
    expect(drops.count).toBe(1);
    expect(records).toMatchObject([{ event: "message_dropped", details: { reason: code } }]);
    expect({ added, answers: answers(), peers: [...session.peers] }).toEqual({ added: [], answers: [], peers: [] });
  });

  test.each([
    ["args that are no array", mapBytes({ app: APP_ID, id: "an id", type: "call", function: "add", args: "1" })],
    ["a function that is no text", mapBytes({ app: APP_ID, id: "an id", type: "call", function: 5 })],
    [
      "args that cannot be decoded",
      // The array says it has a million items more than it has.
      Uint8Array.of(
        ...mapBytes({ app: APP_ID, id: "an id", type: "call", function: "add" }, 1),
        ...[0xa4, 0x61, 0x72, 0x67, 0x73, 0xdd, 0, 0x0f, 0x42, 0x40],
      ),
    ],
  ])("a call with %s is counted, and answered with an error under its id", async (_what, bytes) => {
    const { added, answers, drops, receive } = await setUp();
    receive("parent", bytes);
    expect(drops.count).toBe(1);
    expect(added).toEqual([]);
    expect(answers()).toMatchObject([
      { type: "error", id: "an id", metadata: { error: { name: "MalformedMessageError", code: "MALFORMED_MESSAGE" } } },
    ]);
  });
});

describe("dropped messages", () => {
  test("are counted and logged with the reason, whether the channel or the codec drops them", async () => {
    const { handlers, records, drops } = await setUp();
    handlers.dropped("wrong-frames");
    expect(records).toMatchObject([
      {
        event: "message_dropped",
        level: "warn",
        message: "The channel received something that is no message: wrong-frames.",
        details: { reason: "MALFORMED_MESSAGE" },
      },
    ]);
    handlers.message("one", Uint8Array.of(1, 2, 3));
    expect(drops.count).toBe(2);
  });

  test("in a flood are all counted, and logged once a second", async () => {
    const { handlers, records, drops } = await setUp();
    for (let count = 0; count < 10_000; count++) {
      handlers.message("one", Uint8Array.of(0xc1));
    }
    expect(drops.count).toBe(10_000);
    expect(records.length).toBeLessThan(10);
  });

  test("include an answer that the channel refuses; nothing is thrown", async () => {
    const { handlers, channel, records, drops } = await setUp();
    channel.refusal = new ConnectionError("CHANNEL_CLOSED", "closed");
    const heartbeat = createHeartbeat();
    handlers.message("one", codec.encode(heartbeat));
    expect(drops.count).toBe(1);
    expect(records).toMatchObject([{ message: "An answer could not be sent.", requestId: heartbeat.id }]);
  });
});

describe("connections", () => {
  test("of a spawned worker go to the parent watch and to the log", async () => {
    const up = vi.spyOn(ParentWatch.prototype, "connectionUp");
    const down = vi.spyOn(ParentWatch.prototype, "connectionDown");
    onTestFinished(() => void vi.restoreAllMocks());
    const parent = await openParent(networkClient({ bind: {} }));
    const { records } = await openSession({
      kind: "spawned",
      port: parent.port,
      path: undefined,
      token: undefined,
      transport: networkName,
    });
    await until(() => up.mock.calls.length === 1);
    await parent.close();
    await until(() => down.mock.calls.length === 1);
    expect(records).toMatchObject([
      { event: "socket_connect", level: "info" },
      { event: "socket_disconnect", level: "info", details: { mode: "spawned" } },
    ]);
  });

  test("of other workers go to the log", async () => {
    const { handlers, records } = await setUp();
    handlers.up();
    handlers.down();
    expect(records.map(({ event }) => event)).toEqual(["socket_connect", "socket_disconnect"]);
  });

  test("a channel that failed ends the worker, and is an error in the log", async () => {
    const { handlers, ends, records } = await setUp();
    const error = new ConnectionError("CONNECTION_LOST", "broken");
    handlers.failed(error);
    expect(ends).toEqual([{ cause: "channel-failed" }]);
    expect(records).toMatchObject([{ event: "socket_disconnect", level: "error", err: error }]);
  });

  test("a peer that is gone is forgotten", async () => {
    const { handlers, session } = await setUp();
    handlers.message("one", codec.encode(createHeartbeat()));
    expect([...session.peers]).toEqual(["one"]);
    handlers.peerGone("one");
    expect([...session.peers]).toEqual([]);
  });
});

describe("events before the channel is handed over", () => {
  /** A transport that calls `early` before it resolves. */
  function eagerTransport(early: (events: ServerEvents) => void): ServerTransport & { channel: FakeChannel } {
    const channel = new FakeChannel();
    return {
      channel,
      async open(events) {
        early(events);
        return channel;
      },
    };
  }

  test("messages wait for it and are then answered, in order", async () => {
    const transport = eagerTransport(({ up, message }) => {
      up();
      message("early", codec.encode(createHeartbeat("first")));
      message("early", codec.encode(createCall({ function: "add", args: [1] })));
    });
    const { added, session, records } = await openSession({ kind: "composed", transport });
    expect(transport.channel.sent.map(({ bytes }) => codec.decode(bytes))).toMatchObject([
      { type: "heartbeat", id: "first" },
      { type: "response", result: 1 },
    ]);
    expect(added).toEqual([[1]]);
    expect([...session.peers]).toEqual(["early"]);
    expect(records[0]).toMatchObject({ event: "socket_connect" });
  });

  test("a failure ends the worker all the same", async () => {
    const error = new ConnectionError("CONNECTION_LOST", "broken");
    const { ends } = await openSession({ kind: "composed", transport: eagerTransport(({ failed }) => failed(error)) });
    expect(ends).toEqual([{ cause: "channel-failed" }]);
  });
});

test("a channel that cannot be closed is logged, and closing does not reject", async () => {
  const { session, channel, records } = await setUp();
  const error = new Error("no");
  channel.close = () => Promise.reject(error);
  await session.close();
  expect(records).toMatchObject([{ event: "socket_disconnect", err: error }]);
});
