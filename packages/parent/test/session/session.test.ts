// One session from opening to close, over a channel that the test plays by hand. With processes:
// open-spawned.process.test.ts.

import { createCodec, createHeartbeat, createShutdown, type Message } from "@multifrost/protocol";
import { ConnectionError } from "@multifrost/protocol/errors";
import type { ServiceRegistry } from "@multifrost/registry";
import { type ClientEvents, type ClientTransport, createMemoryTransport } from "@multifrost/transport";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { ParentOptions } from "../../src/options.js";
import { Session } from "../../src/session/session.js";
import type { ActiveSession } from "../../src/session/types.js";
import { parentParts } from "../support/context.js";
import { answerHeartbeat } from "../support/heartbeats.js";
import { errorOf, until } from "../support/until.js";

const codec = createCodec();

/** Opens a session whose other end is the test; its channel is up only when the test says so. */
function handMade(given: ParentOptions = {}, signal: AbortSignal = new AbortController().signal) {
  const sent: Message[] = [];
  const close = vi.fn(async () => {});
  let channelEvents: ClientEvents | undefined;
  const transport: ClientTransport = {
    async open(events) {
      channelEvents = events;
      const send = (bytes: Uint8Array) => void sent.push(codec.decode(bytes));
      return { endpoint: "hand://made", queued: 0, send, close };
    },
  };
  const { context, calls, records } = parentParts(given, { kind: "composed", name: "math", transport });
  const events = {
    opened: vi.fn((_session: ActiveSession) => {}),
    interrupted: vi.fn(),
    resumed: vi.fn(),
    stalled: vi.fn(),
    ended: vi.fn(),
  };
  const done = Session.open(context, calls, events, signal);
  done.catch(() => {});
  onTestFinished(async () => {
    await events.opened.mock.calls[0]?.[0].close();
  });
  const channel = (): ClientEvents => {
    if (channelEvents === undefined) {
      throw new Error("The channel is not open yet.");
    }
    return channelEvents;
  };
  const hear = (message: Message): void => channel().message(codec.encode(message));
  /** Connects and answers the first heartbeat. */
  const connect = async (): Promise<void> => {
    channel().up();
    await until(() => sent.some(({ type }) => type === "heartbeat"));
    hear(answerHeartbeat(createHeartbeat(sent[0]?.id)));
    await done;
  };
  return {
    done,
    events,
    channel,
    hear,
    connect,
    sent,
    records,
    close,
    session: () => events.opened.mock.calls[0]?.[0],
  };
}

const broken = { kind: "connection", endpoint: "hand://made" };

describe("opening a session", () => {
  it("ends when a heartbeat is answered, and not before", async () => {
    const { events, channel, connect, sent, records, done } = handMade();
    channel().up();
    await until(() => sent.length === 1);
    expect(events.opened).not.toHaveBeenCalled();
    await connect();
    await done;
    expect(events.opened).toHaveBeenCalledOnce();
    expect(events.opened.mock.calls[0]?.[0].isProven).toBe(true);
    expect(records).toContainEqual(["info", expect.objectContaining({ event: "socket_connect" })]);
  });

  it("takes only the connection where heartbeats are off", async () => {
    const { done, channel, sent } = handMade({ heartbeatInterval: 0 });
    channel().up();
    await done;
    expect(sent).toEqual([]);
  });

  it("a connection that comes and goes before it is proven rejects with CONNECTION_LOST, and the channel is closed", async () => {
    const { done, channel, sent, events, close } = handMade();
    channel().up();
    await until(() => sent.length === 1);
    channel().down();
    expect(await errorOf(done)).toMatchObject({
      code: "CONNECTION_LOST",
      message:
        "The connection to hand://made was lost before a heartbeat was answered. Look at the worker's output, and " +
        "start it again.",
    });
    expect(close).toHaveBeenCalledOnce();
    expect(events.opened).not.toHaveBeenCalled();
    expect(events.ended).not.toHaveBeenCalled();
  });

  it("a connection that is lost in the turn in which it came up rejects too, without heartbeats", async () => {
    const { done, channel, events } = handMade({ heartbeatInterval: 0 });
    channel().up();
    channel().down();
    expect(await errorOf(done)).toMatchObject({ code: "CONNECTION_LOST" });
    expect(events.opened).not.toHaveBeenCalled();
  });

  it("a loss before the first connection does not matter", async () => {
    const { connect, channel, events } = handMade();
    channel().down();
    await connect();
    expect(events.opened).toHaveBeenCalledOnce();
    expect(events.interrupted).not.toHaveBeenCalled();
  });

  it("no connection in time: ConnectionError UNREACHABLE, and the channel is closed", async () => {
    const { done, close } = handMade({ startTimeout: 5 });
    expect(await errorOf(done)).toMatchObject({
      name: "ConnectionError",
      code: "UNREACHABLE",
      endpoint: "hand://made",
      message:
        "No worker connected at hand://made within 5 ms. Check that the worker is running there and was started with " +
        "run() or start().",
    });
    expect(close).toHaveBeenCalledOnce();
  });

  it("[REG-12] no heartbeat in time: ConnectionError UNREACHABLE that names another program; the time is that of the whole start", async () => {
    const { done, channel } = handMade({ startTimeout: 20 });
    channel().up();
    expect(await errorOf(done)).toMatchObject({
      name: "ConnectionError",
      code: "UNREACHABLE",
      endpoint: "hand://made",
      message:
        "Something listens at hand://made but answered no heartbeat within 20 ms. Check that the service's option app is " +
        "this parent's, 'comlink_ipc_v3'. Or the service has ended and another program has its port: start the service again.",
    });
  });

  it("[REG-12] a program that sends back what it gets is no worker", async () => {
    const { done, channel, sent, hear } = handMade({ startTimeout: 200 });
    channel().up();
    await until(() => sent.length === 1);
    hear(sent[0] as Message);
    expect(await errorOf(done)).toMatchObject({ code: "UNREACHABLE" });
  });

  it("rejects with the signal's reason when that fires, at any stage, and closes the channel", async () => {
    const reason = new Error("stopped");
    const early = handMade({}, AbortSignal.abort(reason));
    expect(await errorOf(early.done)).toBe(reason);
    expect(early.close).toHaveBeenCalledOnce();
    const controller = new AbortController();
    const late = handMade({}, controller.signal);
    late.channel().up();
    await until(() => late.sent.length === 1);
    controller.abort(reason);
    expect(await errorOf(late.done)).toBe(reason);
    expect(late.close).toHaveBeenCalledOnce();
  });

  it("a channel that fails before it is connected rejects with that error", async () => {
    const { done, channel, close } = handMade();
    const error = new ConnectionError("CONNECTION_LOST", "broken");
    channel().failed(error);
    expect(await errorOf(done)).toBe(error);
    expect(close).toHaveBeenCalledOnce();
  });

  it("a transport that cannot be opened rejects as it does", async () => {
    const error = new ConnectionError("TRANSPORT_UNAVAILABLE", "not here");
    const transport = { ...createMemoryTransport().client(), open: () => Promise.reject(error) };
    const { context, calls } = parentParts({}, { kind: "composed", name: "math", transport });
    const events = { opened() {}, interrupted() {}, resumed() {}, stalled() {}, ended() {} };
    expect(await errorOf(Session.open(context, calls, events, new AbortController().signal))).toBe(error);
  });

  it("a service that is not registered rejects as the registry does", async () => {
    const error = new Error("no such service");
    const registry = { discover: () => Promise.reject(error) } as unknown as ServiceRegistry;
    const mode = {
      kind: "service",
      name: "math",
      serviceId: "math",
      registry,
      host: undefined,
      transport: undefined,
    } as const;
    const { context, calls } = parentParts({}, mode);
    const events = { opened() {}, interrupted() {}, resumed() {}, stalled() {}, ended() {} };
    expect(await errorOf(Session.open(context, calls, events, new AbortController().signal))).toBe(error);
  });
});

describe("a session in use", () => {
  it("reports breaks and reconnects, and a failure of the channel as its end", async () => {
    const { connect, channel, events, session } = handMade();
    await connect();
    channel().down();
    channel().up();
    expect(events.interrupted).toHaveBeenCalledExactlyOnceWith(broken, session());
    expect(events.resumed).toHaveBeenCalledOnce();
    const cause = new ConnectionError("CONNECTION_LOST", "broken");
    channel().failed(cause);
    channel().failed(cause);
    expect(events.ended).toHaveBeenCalledExactlyOnceWith({ ...broken, cause }, session());
  });

  it("reports nothing once it is closed", async () => {
    const { connect, channel, events, session } = handMade();
    await connect();
    await session()?.close();
    channel().down();
    channel().up();
    channel().failed(new ConnectionError("CONNECTION_LOST", "broken"));
    expect(events.interrupted).not.toHaveBeenCalled();
    expect(events.resumed).not.toHaveBeenCalled();
    expect(events.ended).not.toHaveBeenCalled();
  });

  it("counts what arrives and is not a message", async () => {
    const { connect, channel, records } = handMade();
    await connect();
    channel().dropped("wrong-frames");
    expect(records).toContainEqual([
      "warn",
      expect.objectContaining({
        event: "message_dropped",
        message: "Received something that is not a message: wrong-frames.",
      }),
    ]);
  });

  it("a `shutdown` from the worker does nothing", async () => {
    const { connect, hear, events } = handMade();
    await connect();
    hear(createShutdown());
    expect(events.ended).not.toHaveBeenCalled();
  });
});

describe("closing a session", () => {
  it("closes the channel once, and ends the heartbeats", async () => {
    const { connect, session, sent, close } = handMade({ heartbeatInterval: 0.001 });
    await connect();
    await Promise.all([session()?.close(), session()?.close()]);
    expect(close).toHaveBeenCalledOnce();
    const count = sent.length;
    // Another session with the same interval goes on meanwhile, so there was time for more.
    const other = handMade({ heartbeatInterval: 0.001 });
    await other.connect();
    await until(() => other.sent.length > 5);
    expect(sent.length).toBe(count);
  });

  it("does not ask a worker to end that this parent did not start: it may have other parents", async () => {
    const { connect, session, sent } = handMade();
    await connect();
    await session()?.close();
    expect(sent.map(({ type }) => type)).not.toContain("shutdown");
  });
});
