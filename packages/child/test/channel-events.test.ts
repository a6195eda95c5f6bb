import { ConnectionError, createCodec, createHeartbeat, type Message } from "@multifrost/protocol";
import { EVENT_LEVELS } from "@multifrost/protocol/internal";
import { EventLog, RareEvent, systemClock } from "@multifrost/reliability";
import { describe, expect, test } from "vitest";
import { type ChannelEventsOptions, channelEvents } from "../src/channel-events.js";
import { createPeers } from "../src/peers.js";
import { keepingLogger } from "./support/log.js";

const codec = createCodec();

function stage(options: Partial<ChannelEventsOptions> = {}) {
  const done: string[] = [];
  const sent: Message[] = [];
  const { logger, told } = keepingLogger();
  const events = new EventLog({ levels: EVENT_LEVELS, clock: systemClock(), logger });
  const drops = new RareEvent({ clock: systemClock(), events, name: "message_dropped" });
  const peers = createPeers();
  const handlers = channelEvents({
    codec,
    calls: { pending: 0, take: () => void done.push("call"), drain: async () => {}, abandon() {} },
    events,
    drops,
    peers,
    watch: {
      connectionUp: () => void done.push("up"),
      connectionDown: () => void done.push("down"),
      stop() {},
    },
    mode: "spawned",
    send: (_peer, bytes) => void sent.push(codec.decode(bytes)),
    onShutdown: () => void done.push("shutdown"),
    onFailed: () => void done.push("failed"),
    ...options,
  });
  return { handlers, done, sent, told, drops, peers };
}

describe("what the channel tells", () => {
  test("connections go to the watch on the parent and to the log", () => {
    const { handlers, done, told } = stage();
    handlers.up();
    handlers.down();
    expect(done).toEqual(["up", "down"]);
    expect(told).toMatchObject([
      { event: "socket_connect", level: "info" },
      { event: "socket_disconnect", level: "info", details: { mode: "spawned" } },
    ]);
  });

  test("a service has no parent to watch", () => {
    const { handlers, told } = stage({ watch: undefined, mode: "service" });
    handlers.up();
    handlers.down();
    expect(told).toHaveLength(2);
  });

  test("a channel that failed ends the worker, and is an error in the log", () => {
    const { handlers, done, told } = stage();
    const error = new ConnectionError("CONNECTION_LOST", "broken");
    handlers.failed(error);
    expect(done).toEqual(["failed"]);
    expect(told).toMatchObject([{ event: "socket_disconnect", level: "error", err: error }]);
  });

  test("a peer that is gone is forgotten", () => {
    const { handlers, peers } = stage();
    handlers.message("one", codec.encode(createHeartbeat()));
    expect([...peers.all()]).toEqual(["one"]);
    handlers.peerGone("one");
    expect([...peers.all()]).toEqual([]);
  });
});

describe("what is dropped", () => {
  test("is counted and told with the reason, whether the channel or the codec finds it", () => {
    const { handlers, told, drops } = stage();
    handlers.dropped("wrong-frames");
    expect(told).toMatchObject([
      {
        event: "message_dropped",
        level: "warn",
        message: "Something else than a message came: wrong-frames.",
        details: { reason: "MALFORMED_MESSAGE" },
      },
    ]);
    handlers.message("one", Uint8Array.of(1, 2, 3));
    expect(drops.count).toBe(2);
  });

  test("in a flood, is all counted and told once a second", () => {
    const { handlers, told, drops } = stage();
    for (let count = 0; count < 10_000; count++) {
      handlers.message("one", Uint8Array.of(0xc1));
    }
    expect(drops.count).toBe(10_000);
    expect(told.length).toBeLessThan(10);
  });

  test("an answer that the channel refuses is counted, and nothing is thrown", () => {
    const { handlers, told, drops } = stage({
      send() {
        throw new ConnectionError("CHANNEL_CLOSED", "closed");
      },
    });
    const heartbeat = createHeartbeat();
    handlers.message("one", codec.encode(heartbeat));
    expect(drops.count).toBe(1);
    expect(told).toMatchObject([{ message: "An answer could not be sent.", requestId: heartbeat.id }]);
  });
});
