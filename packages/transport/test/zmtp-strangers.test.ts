// What strangers send to a ZMTP channel, and what they cost it: nothing.

import { describe, expect, it, onTestFinished, vi } from "vitest";
import { zmtpClient, zmtpServer } from "../src/index.js";
import { frame, MORE } from "../src/zmtp/frames.js";
import { bytesOf, openClient, openServer, texts, until } from "./open-channels.js";
import { listenForPeer, RawPeer } from "./raw-peer.js";
import { addressOf, DEALER_HELLO, ROUTER_HELLO } from "./zmtp-setups.js";

const GREETING = DEALER_HELLO.subarray(0, 64);
const TLS_HELLO = Buffer.from("160301020001000", "hex");

/** Sent to a channel that listens; each is closed at once, with this reason. */
const WRONG: readonly [string, (string | Uint8Array)[], string][] = [
  ["a line of text", ["hello\n"], "It does not speak ZMTP."],
  ["HTTP", ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"], "It does not speak ZMTP."],
  ["a TLS hello", [TLS_HELLO], "It does not speak ZMTP."],
  ["SSH", ["SSH-2.0-OpenSSH_9.6\r\n"], "It does not speak ZMTP."],
  ["zeros", [new Uint8Array(100)], "It does not speak ZMTP."],
  ["ZMTP/1.0", ["\x01\x00\x01\x00\x05hello"], "It does not speak ZMTP."],
  ["ZMTP/2.0", ["\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05"], "It speaks a version of ZMTP before 3.0."],
  [
    "CURVE",
    [Buffer.from(GREETING.toString("latin1").replace("NULL\0", "CURVE"), "latin1")],
    "It asks for a security mechanism other than NULL.",
  ],
  ["a message before READY", [GREETING, frame(0, bytesOf("hi"))], "It sent something else before READY."],
  ["READY as a message", [GREETING, frame(0, DEALER_HELLO.subarray(66))], "It sent something else before READY."],
  [
    "READY without a kind of socket",
    [GREETING, frame(4, bytesOf("\x05READY"))],
    "It is of no known kind, which cannot talk to a ROUTER socket.",
  ],
  [
    "a kind of socket that does not fit",
    [GREETING, Buffer.from("\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB", "latin1")],
    "It is a PUB socket, which cannot talk to a ROUTER socket.",
  ],
  [
    "a READY of 9 KB",
    [GREETING, frame(4, new Uint8Array(9000))],
    "It sent a command that is malformed or above 8192 bytes.",
  ],
  ["ERROR", [GREETING, frame(4, bytesOf("\x05ERROR\x04away"))], "It refused the connection: away"],
];

describe("a stranger", () => {
  it.each(WRONG)("that sends %s is closed at once, without up or down", async (_, bytes, reason) => {
    const server = await openServer(zmtpServer({ bind: {} }));
    const client = await openClient(zmtpClient({ connect: addressOf(server.channel.endpoint) }));
    await until(() => server.recorded.ups === 1);
    const stranger = await RawPeer.connect(server.channel.endpoint);
    stranger.send(...bytes);
    await stranger.closed();
    expect(server.recorded.refused).toEqual([reason]);
    client.channel.send(bytesOf("still here"));
    await until(() => server.recorded.messages.length === 1);
    expect({ ups: server.recorded.ups, downs: server.recorded.downs }).toEqual({ ups: 1, downs: 0 });
  });

  it.each([
    ["is silent", []],
    ["sends half a greeting", [GREETING.subarray(0, 30)]],
    ["sends a greeting alone", [GREETING]],
    ["sends half a READY", [DEALER_HELLO.subarray(0, 80)]],
  ])("that %s is closed after the handshake timeout", async (_, bytes) => {
    const server = await openServer(zmtpServer({ bind: {}, handshakeTimeoutMs: 50 }));
    const stranger = await RawPeer.connect(server.channel.endpoint);
    stranger.send(...bytes);
    await stranger.closed();
    expect(server.recorded.refused).toEqual(["It did not complete the handshake within 50 ms."]);
    expect(server.recorded.ups).toBe(0);
  });

  it("gets greeting and READY in one piece, and nothing else", async () => {
    const client = await openClient(zmtpClient({ bind: {} }));
    client.channel.send(bytesOf("not for strangers"));
    const stranger = await RawPeer.connect(client.channel.endpoint);
    await until(() => stranger.received.length > 0);
    stranger.send(GREETING);
    await until(() => stranger.received.length >= DEALER_HELLO.length);
    expect(stranger.received).toEqual(DEALER_HELLO);
  });

  it("that connects to a client with a worker is refused with ERROR, and gets no message", async () => {
    const client = await openClient(zmtpClient({ bind: {} }));
    const server = await openServer(zmtpServer({ connect: addressOf(client.channel.endpoint) }));
    await until(() => client.recorded.ups === 1);
    const stranger = await RawPeer.connect(client.channel.endpoint);
    stranger.send(ROUTER_HELLO, frame(MORE, new Uint8Array(0)), frame(0, bytesOf("forged")));
    for (let index = 0; index < 100; index += 1) {
      client.channel.send(bytesOf("for the worker"));
    }
    await until(() => server.recorded.messages.length === 100);
    stranger.socket.end();
    await stranger.closed();
    expect(stranger.received.subarray(DEALER_HELLO.length).toString("latin1")).toContain("\x05ERROR");
    expect(stranger.received.includes("for the worker")).toBe(false);
    const { ups, downs, messages, refused } = client.recorded;
    expect({ ups, downs, messages: messages.length, refused: refused.length }).toEqual({
      ups: 1,
      downs: 0,
      messages: 0,
      refused: 1,
    });
  });

  it("200 idle ones neither keep a peer out nor delay it, and the oldest leave beyond maxUndecided", async () => {
    const server = await openServer(zmtpServer({ bind: {}, maxUndecided: 100 }));
    const strangers = await Promise.all(Array.from({ length: 200 }, () => RawPeer.connect(server.channel.endpoint)));
    await until(() => server.recorded.refused.length === 100);
    const client = await openClient(zmtpClient({ connect: addressOf(server.channel.endpoint) }));
    client.channel.send(bytesOf("hello"));
    await until(() => server.recorded.messages.length === 1);
    expect(strangers.filter(({ isClosed }) => !isClosed).length).toBeLessThanOrEqual(100);
    expect(server.recorded.downs).toBe(0);
  });

  const message = Buffer.concat([frame(MORE, new Uint8Array(0)), frame(0, bytesOf("my proof"))]);
  it.each([
    ["silent ones", [], [DEALER_HELLO]],
    ["silent ones", [], [DEALER_HELLO, message]],
    ["ones that send half a greeting", [GREETING.subarray(0, 30)], [DEALER_HELLO, message]],
    ["ones that send no proof", [DEALER_HELLO], [DEALER_HELLO, message]],
    ["ones that have come as far as a peer can", [DEALER_HELLO, message], [GREETING.subarray(0, 30)]],
  ])("of a crowd of %s does not put a peer out that has come less or further", async (_, theirs, its) => {
    let proofs = 0;
    const server = await openServer(zmtpServer({ bind: {}, maxUndecided: 10 }), (connection) => {
      connection.receive(() => {
        proofs += 1;
      });
    });
    const peer = await RawPeer.connect(server.channel.endpoint);
    peer.send(...its);
    for (let count = 1; count <= 50; count += 1) {
      const stranger = await RawPeer.connect(server.channel.endpoint);
      stranger.send(...theirs);
      // The channel has read what it sent, so that it does not count as silent.
      const [hello] = theirs;
      await until(() => hello !== DEALER_HELLO || stranger.receivedBytes >= DEALER_HELLO.length);
      await until(() => server.recorded.refused.length >= count - 9);
    }
    expect(proofs).toBeGreaterThanOrEqual(its.length === 2 ? 1 : 0);
    expect(peer.isClosed).toBe(false);
    expect(server.recorded.refused).toHaveLength(41);
  });
});

describe("a peer that was accepted", () => {
  async function accepted(options = {}) {
    const server = await openServer(zmtpServer({ bind: {}, ...options }));
    const peer = await RawPeer.connect(server.channel.endpoint);
    peer.send(DEALER_HELLO);
    await until(() => server.recorded.ups === 1 && peer.received.length >= DEALER_HELLO.length);
    peer.clear();
    return { ...server, peer };
  }
  const message = (text: string) => Buffer.concat([frame(MORE, new Uint8Array(0)), frame(0, bytesOf(text))]);

  it("may send anything in single bytes", async () => {
    const { peer, recorded } = await accepted();
    for (const byte of Buffer.concat([message("slow"), frame(4, bytesOf("\x04PING\0\0")), message("ly")])) {
      peer.send(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => recorded.messages.length === 2);
    expect(texts(recorded)).toEqual(["slow", "ly"]);
    await until(() => peer.received.length > 0);
    expect(peer.received.toString("latin1")).toBe("\x04\x05\x04PONG");
  });

  it("gets a PONG for each PING, also between the frames of its message", async () => {
    const { peer, recorded } = await accepted();
    peer.send(frame(MORE, new Uint8Array(0)), frame(4, bytesOf("\x04PING\0\0abc")), frame(0, bytesOf("whole")));
    await until(() => recorded.messages.length === 1 && peer.received.length > 0);
    expect(texts(recorded)).toEqual(["whole"]);
    expect(peer.received.toString("latin1")).toBe("\x04\x08\x04PONGabc");
  });

  it("may send commands that mean nothing", async () => {
    const { peer, recorded } = await accepted();
    peer.send(
      frame(4, bytesOf("\x03FOO")),
      frame(4, new Uint8Array(0)),
      frame(4, bytesOf("\xff")),
      DEALER_HELLO.subarray(64),
    );
    peer.send(message("still here"));
    await until(() => recorded.messages.length === 1);
    expect(recorded.downs).toBe(0);
  });

  it.each([
    ["17 frames", Buffer.alloc(34, Buffer.from([MORE, 0]))],
    ["a frame of 2^62 bytes", Buffer.from("024000000000000000", "hex")],
    ["a frame of 2^63 bytes", Buffer.from("028000000000000000", "hex")],
    ["a command with MORE", frame(4 | MORE, bytesOf("\x03FOO"))],
    ["a PING without a time to live", frame(4, bytesOf("\x04PING"))],
  ])("is disconnected for %s", async (_, bytes) => {
    const { peer, recorded } = await accepted();
    peer.send(message("before"), bytes);
    await peer.closed();
    expect(texts(recorded)).toEqual(["before"]);
    expect([recorded.downs, recorded.gone]).toEqual([1, ["peer-1"]]);
  });

  it("stays connected after a message above the limit, which is dropped", async () => {
    const { peer, recorded } = await accepted({ maxMessageBytes: 1000 });
    peer.send(message("x".repeat(1001)), message("y".repeat(1000)));
    await until(() => recorded.messages.length === 1);
    expect(texts(recorded)).toEqual(["y".repeat(1000)]);
    expect([recorded.dropped, recorded.downs]).toEqual([["too-large"], 0]);
  });

  it("that announces 1 GiB and sends nothing costs no memory", async () => {
    const { peer, recorded } = await accepted({ maxMessageBytes: 2 ** 31 });
    const before = process.memoryUsage().arrayBuffers;
    peer.send(Buffer.from("020000000040000000", "hex"), new Uint8Array(1000));
    const other = await openClient(zmtpClient({ connect: addressOf(endpointOf(peer)) }));
    other.channel.send(bytesOf("later"));
    await until(() => recorded.messages.length === 1);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2_000_000);
  });

  it("is not read from while all peers together hold too much, and small messages of others arrive", async () => {
    const { peer, channel, recorded } = await accepted({ maxHeldBytes: 2_000_000 });
    const others = await Promise.all(Array.from({ length: 3 }, () => RawPeer.connect(channel.endpoint)));
    for (const other of others) {
      other.send(DEALER_HELLO);
    }
    await until(() => recorded.ups === 4);
    const length = 0xf00000;
    const head = Buffer.from("0100020000000000f00000", "hex");
    for (const each of [peer, ...others]) {
      each.send(head, new Uint8Array(length - 1));
    }
    const quiet = await openClient(zmtpClient({ connect: addressOf(channel.endpoint) }));
    quiet.channel.send(new Uint8Array(100_000));
    await until(() => recorded.messages.length === 1);
    // One of them is read to its end, the others are not.
    const unread = () => [peer, ...others].filter(({ socket }) => socket.writableLength > 0).length;
    await until(() => unread() === 3);
    for (const each of [peer, ...others]) {
      each.send(new Uint8Array(1));
    }
    // Each message that is complete makes room for the next.
    await until(() => recorded.messages.length === 5);
    expect(recorded.downs).toBe(0);
  });

  it("that sends a message only in part and leaves delivers nothing", async () => {
    const { peer, recorded } = await accepted();
    peer.send(message("whole"), message("in part").subarray(0, 8));
    peer.socket.end();
    await until(() => recorded.downs === 1);
    expect(texts(recorded)).toEqual(["whole"]);
  });

  it("that floods with tiny messages does not starve the others", async () => {
    const { peer, channel, recorded } = await accepted();
    const quiet = await openClient(zmtpClient({ connect: addressOf(channel.endpoint) }));
    await until(() => recorded.ups === 2);
    // Half a million messages, in chunks of 16,384.
    const flood = Buffer.concat(Array.from({ length: 16_384 }, () => Buffer.from([1, 0, 0, 0])));
    for (let round = 0; round < 32; round += 1) {
      peer.socket.write(flood);
    }
    await until(() => recorded.messages.length > 0);
    const before = recorded.messages.length;
    quiet.channel.send(bytesOf("me too"));
    await until(() => recorded.messages.some(({ bytes }) => bytes.length > 0));
    const after = recorded.messages.findIndex(({ bytes }) => bytes.length > 0);
    expect(after - before).toBeLessThan(20_000);
  });
});

describe("a peer that announces a time to live in its PING", () => {
  const ping = (tenths: number) => frame(4, bytesOf(`\x04PING\0${String.fromCharCode(tenths)}`));

  /** A peer after its handshake, on a clock that stands still. */
  async function helloOnStoppedClock() {
    const { port, peer } = await listenForPeer();
    const client = await openClient(zmtpClient({ connect: { port } }));
    const raw = await peer();
    raw.send(ROUTER_HELLO);
    await until(() => client.recorded.ups === 1);
    raw.clear();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    return { raw, client };
  }

  async function turnsUntil(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Sends a PING and waits for its PONG. */
  async function pinged(raw: RawPeer, tenths: number): Promise<void> {
    raw.clear();
    raw.send(ping(tenths));
    await turnsUntil(() => raw.receivedBytes > 0);
  }

  it("is disconnected when it is silent for longer, and not before", async () => {
    const { raw, client } = await helloOnStoppedClock();
    await pinged(raw, 3);
    vi.advanceTimersByTime(299);
    await pinged(raw, 3);
    vi.advanceTimersByTime(299);
    await pinged(raw, 3);
    expect(raw.isClosed).toBe(false);
    vi.advanceTimersByTime(300);
    await turnsUntil(() => raw.isClosed && client.recorded.downs === 1);
  });

  it("is read first when it sent something while this end was busy", async () => {
    const { raw } = await helloOnStoppedClock();
    await pinged(raw, 3);
    raw.clear();
    await new Promise((resolve) => raw.socket.write(ping(3), resolve));
    vi.advanceTimersByTime(300);
    await turnsUntil(() => raw.receivedBytes > 0);
    await pinged(raw, 3);
    expect(raw.isClosed).toBe(false);
  });

  it("may be silent again when its latest PING announces none", async () => {
    const { raw } = await helloOnStoppedClock();
    await pinged(raw, 1);
    await pinged(raw, 0);
    vi.advanceTimersByTime(60_000);
    await pinged(raw, 0);
    expect(raw.isClosed).toBe(false);
  });
});

describe("a channel that connects", () => {
  it("sends PING to a peer that announced 3.1, and disconnects it when it stays silent", async () => {
    const { port, peer } = await listenForPeer();
    const client = await openClient(zmtpClient({ connect: { port }, heartbeatIntervalMs: 20 }));
    const raw = await peer();
    raw.send(ROUTER_HELLO);
    await raw.closed();
    expect(raw.received.subarray(DEALER_HELLO.length, DEALER_HELLO.length + 9).toString("latin1")).toBe(
      "\x04\x07\x04PING\0\x01",
    );
    await until(() => client.recorded.downs === 1);
  });

  it("sends no PING to a peer that announced 3.0", async () => {
    const { port, peer } = await listenForPeer();
    const client = await openClient(zmtpClient({ connect: { port }, heartbeatIntervalMs: 5 }));
    const raw = await peer();
    raw.send(Buffer.from(ROUTER_HELLO.toString("latin1").replace("\x03\x01NULL", "\x03\x00NULL"), "latin1"));
    await until(() => client.recorded.ups === 1);
    for (let turn = 0; turn < 20; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(raw.received).toEqual(DEALER_HELLO);
  });

  it("does not connect again once the other end sent ERROR: failed, with the reason", async () => {
    const { port, peer } = await listenForPeer();
    const client = await openClient(zmtpClient({ connect: { port } }));
    const raw = await peer();
    raw.send(GREETING, frame(4, bytesOf("\x05ERROR\x07go away")));
    await until(() => client.recorded.failures.length === 1);
    expect(client.recorded.failures[0]).toMatchObject({
      code: "UNREACHABLE",
      message: `The other end at tcp://127.0.0.1:${port} refused this connection: go away`,
    });
    expect(() => client.channel.send(bytesOf("x"))).toThrow(expect.objectContaining({ code: "CHANNEL_CLOSED" }));
  });

  it("sends a frame before any message only when READY has come", async () => {
    const { port, peer } = await listenForPeer();
    const client = await openClient(zmtpClient({ connect: { port } }));
    client.channel.send(bytesOf("waits"));
    const raw = await peer();
    raw.send(GREETING);
    await until(() => raw.received.length >= DEALER_HELLO.length);
    expect(raw.received).toEqual(DEALER_HELLO);
    raw.send(ROUTER_HELLO.subarray(64));
    await until(() => raw.received.length > DEALER_HELLO.length);
    expect(raw.received.subarray(DEALER_HELLO.length).toString("latin1")).toBe("\x01\x00\x00\x05waits");
  });
});

function endpointOf(peer: RawPeer): string {
  return `tcp://127.0.0.1:${peer.socket.remotePort}`;
}
