import { ConnectionError, createCodec, type Message, MultifrostError } from "@multifrost/protocol";
import type { Peer, SendSettled } from "@multifrost/transport";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ForwardOptions, forwardOutput, type OutputForwarder } from "../../src/output/forward-output.js";

interface Sent {
  peer: Peer;
  message: Message;
  settled: SendSettled | undefined;
}

const codec = createCodec({ limits: { maxMessageBytes: 10_000 } });
const lost = new MultifrostError("CHANNEL_CLOSED", "closed");
const unknown = new ConnectionError("PEER_UNKNOWN", "gone");

let local: string[];
let sent: Sent[];
let peers: Set<Peer>;
let queued: number;
let fallbacks: number;
let refuse: boolean;
let original: typeof process.stdout.write;
let forwarder: OutputForwarder | undefined;
let exitListeners: number;

beforeEach(() => {
  [local, sent, peers, queued, fallbacks, refuse] = [[], [], new Set(["one"]), 0, 0, false];
  exitListeners = process.listenerCount("exit");
  original = process.stdout.write;
  process.stdout.write = vi.fn((text: string) => local.push(text) > 0) as unknown as typeof process.stdout.write;
});

afterEach(() => {
  for (const { settled } of sent) {
    settled?.();
  }
  forwarder?.restore();
  process.stdout.write = original;
  expect(process.listenerCount("exit")).toBe(exitListeners);
});

function forward(options: Partial<ForwardOptions> = {}): void {
  forwarder = forwardOutput({
    codec,
    channel: {
      endpoint: "memory://local",
      get queued() {
        return queued;
      },
      send(peer, bytes, settled) {
        if (refuse) {
          throw lost;
        }
        sent.push({ peer, message: codec.decode(bytes), settled });
      },
      close: async () => {},
    },
    peers: () => peers,
    gone: (peer) => void peers.delete(peer),
    alsoLocal: false,
    onFallback() {
      fallbacks++;
    },
    ...options,
  });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

describe("a line", () => {
  test("[MSG-10] goes to every parent seen, each time with an id, and not to the real stream", () => {
    peers.add("two");
    forward();
    print("a");
    print("b");
    expect(sent.map(({ peer, message }) => [peer, message.type, (message as { output: string }).output])).toEqual([
      ["one", "stdout", "a"],
      ["two", "stdout", "a"],
      ["one", "stdout", "b"],
      ["two", "stdout", "b"],
    ]);
    const ids = sent.map(({ message }) => message.id);
    expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(
      true,
    );
    expect(new Set(ids).size).toBe(2);
    expect(local).toEqual([]);
  });

  test("goes to the real stream where no parent was seen", () => {
    peers.clear();
    forward();
    print("a");
    expect(local).toEqual(["a\n"]);
    expect(fallbacks).toBe(1);
  });

  test("goes to the real stream where the only parent turns out to be gone, and the next does not wait for it", () => {
    forward();
    print("a");
    sent[0]?.settled?.(unknown);
    expect(local).toEqual(["a\n"]);
    print("b");
    expect(sent).toHaveLength(1);
    expect(local).toEqual(["a\n", "b\n"]);
    expect(fallbacks).toBe(2);
  });

  test("does not go to the real stream where one of several parents took it", () => {
    peers.add("two");
    forward();
    print("a");
    sent[0]?.settled?.(unknown);
    sent[1]?.settled?.();
    expect(local).toEqual([]);
    expect([...peers]).toEqual(["two"]);
  });

  test("goes to the real stream where the channel does not take it", () => {
    forward();
    refuse = true;
    print("a");
    expect(local).toEqual(["a\n"]);
  });

  test("goes to the real stream where it is too long for a message", () => {
    forward();
    print("x".repeat(20_000));
    expect(local).toEqual([`${"x".repeat(20_000)}\n`]);
  });

  test("goes to the real stream where 100 000 messages wait: answers need the room", () => {
    forward();
    queued = 99_999;
    print("a");
    queued = 100_000;
    print("b");
    expect(sent).toHaveLength(1);
    expect(local).toEqual(["b\n"]);
  });

  test("of a service goes to the real stream once, whatever becomes of the sending", () => {
    forward({ alsoLocal: true });
    print("a");
    sent[0]?.settled?.(unknown);
    print("b");
    expect(local).toEqual(["a\n", "b\n"]);
    expect(fallbacks).toBe(0);
  });

  test("that telling of a fallback prints goes to the real stream too", () => {
    peers.clear();
    let told = 0;
    forward({
      onFallback() {
        told++;
        if (told === 1) {
          print("no parent took a line");
        }
      },
    });
    print("a");
    expect(local).toEqual(["a\n", "no parent took a line\n"]);
  });
});

describe("giving the streams back", () => {
  test("what is settled afterwards is not written a second time", () => {
    forward({ alsoLocal: true });
    print("a");
    forwarder?.restore();
    sent[0]?.settled?.(lost);
    expect(local).toEqual(["a\n"]);
    print("b");
    expect(sent).toHaveLength(1);
  });

  test("may be done twice", () => {
    forward();
    forwarder?.restore();
    const { write } = process.stdout;
    forwarder?.restore();
    expect(process.stdout.write).toBe(write);
  });
});
