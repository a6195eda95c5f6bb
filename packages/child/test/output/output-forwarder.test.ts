import { createCodec, type Message } from "@multifrost/protocol";
import { ConnectionError, MultifrostError } from "@multifrost/protocol/errors";
import { EVENT_LEVELS } from "@multifrost/protocol/internal";
import { EventLog, type Logger, RareEvent, systemClock } from "@multifrost/reliability";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { OutputForwarder } from "../../src/output/output-forwarder.js";
import { Peers } from "../../src/session/peers.js";
import { FakeChannel } from "../support/fake-channel.js";

const codec = createCodec({ limits: { maxMessageBytes: 10_000 } });
const closed = new MultifrostError("CHANNEL_CLOSED", "closed");
const unknown = new ConnectionError("PEER_UNKNOWN", "gone");

let local: string[];
let channel: FakeChannel;
let peers: Peers;
let lost: RareEvent;
let original: typeof process.stdout.write;
let forwarder: OutputForwarder | undefined;
let exitListeners: number;

beforeEach(() => {
  local = [];
  channel = new FakeChannel();
  peers = new Peers(channel);
  exitListeners = process.listenerCount("exit");
  original = process.stdout.write;
  process.stdout.write = vi.fn((text: string) => local.push(text) > 0) as unknown as typeof process.stdout.write;
});

afterEach(() => {
  channel.settle();
  forwarder?.restore();
  process.stdout.write = original;
  expect(process.listenerCount("exit")).toBe(exitListeners);
});

function forwardTo(seen: readonly string[], { alsoLocal = false, logger = false as Logger | false } = {}): void {
  for (const peer of seen) {
    peers.seen(peer);
  }
  const clock = systemClock();
  const events = new EventLog({ clock, levels: EVENT_LEVELS, logger });
  lost = new RareEvent({ clock, events, name: "output_dropped" });
  forwarder = new OutputForwarder(codec, peers, alsoLocal, lost);
}

function messages(): Message[] {
  return channel.sent.map(({ bytes }) => codec.decode(bytes));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

describe("a line", () => {
  test("[MSG-10] goes to every parent seen, each time with an id, and not to the real stream", () => {
    forwardTo(["one", "two"]);
    print("a");
    print("b");
    expect(channel.sent.map(({ peer }) => peer)).toEqual(["one", "two", "one", "two"]);
    expect(messages()).toMatchObject(["a", "a", "b", "b"].map((output) => ({ type: "stdout", output })));
    const ids = messages().map(({ id }) => id);
    expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(
      true,
    );
    expect(new Set(ids).size).toBe(2);
    expect(local).toEqual([]);
  });

  test("goes to the real stream where no parent was seen", () => {
    forwardTo([]);
    print("a");
    expect(local).toEqual(["a\n"]);
    expect(lost.count).toBe(1);
  });

  test("goes to the real stream where the only parent turns out to be gone; the next line goes there at once", () => {
    forwardTo(["one"]);
    print("a");
    channel.sent[0]?.settled?.(unknown);
    expect(local).toEqual(["a\n"]);
    print("b");
    expect(channel.sent).toHaveLength(1);
    expect(local).toEqual(["a\n", "b\n"]);
    expect(lost.count).toBe(2);
  });

  test("does not go to the real stream where one of several parents took it", () => {
    forwardTo(["one", "two"]);
    print("a");
    channel.sent[0]?.settled?.(unknown);
    channel.sent[1]?.settled?.();
    expect(local).toEqual([]);
    expect([...peers]).toEqual(["two"]);
  });

  test("goes to the real stream where the channel does not take it", () => {
    forwardTo(["one"]);
    channel.refusal = closed;
    print("a");
    expect(local).toEqual(["a\n"]);
  });

  test("goes to the real stream where it is too long for a message", () => {
    forwardTo(["one"]);
    print("x".repeat(20_000));
    expect(local).toEqual([`${"x".repeat(20_000)}\n`]);
  });

  test("goes to the real stream where 100 000 messages wait, as answers come first", () => {
    forwardTo(["one"]);
    channel.queued = 99_999;
    print("a");
    channel.queued = 100_000;
    print("b");
    expect(channel.sent).toHaveLength(1);
    expect(local).toEqual(["b\n"]);
  });

  test("of a service goes to the real stream once, whether it can be sent or not", () => {
    forwardTo(["one"], { alsoLocal: true });
    print("a");
    channel.sent[0]?.settled?.(unknown);
    print("b");
    expect(local).toEqual(["a\n", "b\n"]);
    expect(lost.count).toBe(0);
  });

  test("that a logger prints about a lost line goes to the real stream too", () => {
    const debug = (): void => print("no parent took a line");
    forwardTo([], { logger: { debug, info: debug, warn: debug, error: debug } });
    print("a");
    expect(local).toEqual(["a\n", "no parent took a line\n"]);
  });
});

describe("giving the streams back", () => {
  test("what is settled afterwards is not written a second time", () => {
    forwardTo(["one"], { alsoLocal: true });
    print("a");
    forwarder?.restore();
    channel.sent[0]?.settled?.(closed);
    expect(local).toEqual(["a\n"]);
    print("b");
    expect(channel.sent).toHaveLength(1);
  });

  test("may be done twice", () => {
    forwardTo(["one"]);
    forwarder?.restore();
    const { write } = process.stdout;
    forwarder?.restore();
    expect(process.stdout.write).toBe(write);
  });
});
