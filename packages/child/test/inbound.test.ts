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
  type MultifrostError,
} from "@multifrost/protocol";
import { describe, expect, test } from "vitest";
import type { IncomingCall } from "../src/call/incoming-call.js";
import { createInbound } from "../src/inbound.js";
import { mapBytes } from "./support/hostile-bytes.js";

const codec = createCodec();

function stage() {
  const calls: IncomingCall[] = [];
  const replies: Message[] = [];
  const drops: MultifrostError[] = [];
  const seen: string[] = [];
  let shutdowns = 0;
  const receive = createInbound({
    codec,
    calls: {
      pending: 0,
      take: (call) => void calls.push(call),
      drain: async () => {},
      abandon() {},
    },
    reply: (_peer, message) => void replies.push(message),
    seen: (peer) => void seen.push(peer),
    shutdown() {
      shutdowns++;
    },
    dropped: (reason) => void drops.push(reason),
  });
  return { calls, replies, drops, seen, shutdowns: () => shutdowns, receive };
}

describe("messages by type", () => {
  test("a call is taken, with who sent it", () => {
    const { calls, seen, receive } = stage();
    const call = createCall({ function: "add", args: [1, 2] });
    receive("parent", codec.encode(call));
    expect(calls).toMatchObject([{ peer: "parent", message: { id: call.id, function: "add", args: [1, 2] } }]);
    expect(seen).toEqual(["parent"]);
  });

  test("[MSG-12] a heartbeat is answered with its id, args and metadata, and hb_response", () => {
    const { replies, receive } = stage();
    const heartbeat = { ...createHeartbeat(), args: [1234], metadata: { hb_timestamp: 1.5, mine: "kept" } };
    receive("parent", codec.encode(heartbeat));
    expect(replies).toMatchObject([
      {
        type: "heartbeat",
        id: heartbeat.id,
        args: [1234],
        metadata: { hb_timestamp: 1.5, mine: "kept", hb_response: true },
      },
    ]);
  });

  test("[MSG-12] an answer to a heartbeat is not answered again", () => {
    const { replies, receive } = stage();
    const heartbeat = createHeartbeat();
    receive("parent", codec.encode({ ...heartbeat, metadata: { ...heartbeat.metadata, hb_response: true } }));
    expect(replies).toEqual([]);
  });

  test("[MSG-13] a shutdown is passed on", () => {
    const { shutdowns, receive } = stage();
    receive("parent", codec.encode(createShutdown()));
    expect(shutdowns()).toBe(1);
  });

  test.each([
    ["response", createResponse("an id", 1)],
    ["error", createError("an id", { name: "E", message: "m" })],
    ["stdout", createOutput("stdout", "line")],
    ["ready", createReady()],
  ])("[MSG-14] a %s is a child's own message: nothing is done", (_type, message) => {
    const { calls, replies, drops, shutdowns, receive } = stage();
    receive("parent", codec.encode(message));
    expect({ calls, replies, drops, shutdowns: shutdowns() }).toEqual({
      calls: [],
      replies: [],
      drops: [],
      shutdowns: 0,
    });
  });
});

describe("[NET-6] [MSG-1] [MSG-2] [MSG-3] what is no message for this worker", () => {
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
  ])("%s is dropped and not answered, and its sender is no parent", (_what, bytes, code) => {
    const { calls, replies, drops, seen, receive } = stage();
    receive("stranger", bytes);
    expect(drops.map((reason) => reason.code)).toEqual([code]);
    expect({ calls, replies, seen }).toEqual({ calls: [], replies: [], seen: [] });
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
  ])("a call with %s is counted, and answered with an error under its id", (_what, bytes) => {
    const { calls, replies, drops, receive } = stage();
    receive("parent", bytes);
    expect(drops).toHaveLength(1);
    expect(calls).toEqual([]);
    expect(replies).toMatchObject([
      { type: "error", id: "an id", metadata: { error: { name: "MalformedMessageError", code: "MALFORMED_MESSAGE" } } },
    ]);
  });
});
