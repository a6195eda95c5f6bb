// What the contract suite cannot do for a transport it knows nothing of: strangers who speak plain TCP to it.

import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { LOOPBACK, OverloadError, type Peer, parseTcpEndpoint, type ServerEvents } from "multifrost";
import { readFrames } from "./framing.js";
import { netClient } from "./net-client.js";
import { netServer } from "./net-server.js";

const MEBIBYTE = 1024 * 1024;

describe("whatever comes in over TCP", () => {
  it("messages may come in any pieces", () => {
    const sent = Buffer.concat([frame("in"), frame(""), frame("pieces")]);
    for (let size = 1; size <= sent.length; size += 1) {
      const heard: string[] = [];
      const stream = new Readable({ read() {} });
      readFrames(stream, 1000, {
        message: (bytes) => heard.push(text(bytes)),
        tooLarge: () => heard.push("too large"),
      });
      for (let at = 0; at < sent.length; at += size) {
        stream.emit("data", sent.subarray(at, at + size));
      }
      assert.deepEqual(heard, ["in", "", "pieces"], `in pieces of ${size} bytes`);
    }
  });

  it("a length above the limit ends that connection, is told, and concerns no other", async () => {
    const { heard, events, hears } = listener();
    const server = await netServer({ maxMessageBytes: 1000 }).open(events);
    const friend = await dial(server.endpoint);
    const stranger = await dial(server.endpoint);
    stranger.write(Buffer.concat([header(1001), frame("after it")]));
    await once(stranger.resume(), "close");
    await hears("peerGone");
    friend.write(frame("still here"));
    await hears("message still here");
    assert.deepEqual(heard, ["up", "up", "dropped too-large", "down", "peerGone", "message still here"]);
    friend.destroy();
    await server.close();
  });

  it("a length within the limit takes no memory until the bytes are there", () => {
    const before = process.memoryUsage().arrayBuffers;
    const streams = Array.from({ length: 50 }, () => new Readable({ read() {} }));
    for (const stream of streams) {
      readFrames(stream, 64 * MEBIBYTE, { message: () => assert.fail(), tooLarge: () => assert.fail() });
      stream.emit("data", Buffer.concat([header(64 * MEBIBYTE), Buffer.from("and no more")]));
    }
    const taken = process.memoryUsage().arrayBuffers - before;
    assert.ok(taken < 64 * MEBIBYTE, `${streams.length} claims of 64 MiB took ${taken} bytes`);
  });

  it("what a peer does not read counts for its own bound, and for no other peer's", async () => {
    const { heard, peers, events, hears } = listener();
    const server = await netServer({ maxQueuedMessages: 10 }).open(events);
    const [silent, reading] = [await dial(server.endpoint), await dial(server.endpoint)];
    silent.write(frame("silent"));
    await hears("message silent");
    reading.write(frame("reading"));
    await hears("message reading");
    const outcomes: unknown[] = [];
    const sendUntilFull = async (): Promise<void> => {
      for (let sent = 0; sent < 10_000; sent += 1) {
        server.send(peers[0]!, new Uint8Array(MEBIBYTE), (error) => outcomes.push(error?.code));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await assert.rejects(sendUntilFull, OverloadError);
    assert.equal(server.queued, 10);
    assert.throws(() => server.send("nobody", new Uint8Array(65 * MEBIBYTE)), { code: "MESSAGE_TOO_LARGE" });
    server.send(peers[1]!, Buffer.from("for you"));
    const [chunk] = await once(reading, "data");
    assert.deepEqual(chunk, frame("for you"));
    assert.deepEqual(heard, ["up", "up", "message silent", "message reading"]);
    silent.destroy();
    await hears("peerGone");
    assert.deepEqual(
      outcomes.filter((code) => code !== undefined),
      Array.from({ length: 10 }, () => "PEER_UNKNOWN"),
    );
    reading.destroy();
    await server.close();
  });

  it("a client that finds nobody says nothing until it finds somebody", async () => {
    const gone = await netServer().open(listener().events);
    await gone.close();
    const { heard, events, hears } = listener();
    const port = portOf(gone.endpoint);
    const client = await netClient({ port }).open({ ...events, message() {} });
    await assert.rejects(dial(gone.endpoint), { code: "ECONNREFUSED" });
    const server = await netServer({ port }).open(listener().events);
    await hears("up");
    assert.deepEqual(heard, ["up"]);
    await client.close();
    await server.close();
  });

  it("an address that cannot be used is UNREACHABLE", async () => {
    const { events } = listener();
    const server = await netServer().open(events);
    const taken = netServer({ port: portOf(server.endpoint) });
    await assert.rejects(taken.open(events), { name: "ConnectionError", code: "UNREACHABLE" });
    const noPort = netClient({ port: 65_536 });
    await assert.rejects(noPort.open({ ...events, message() {} }), { name: "ConnectionError", code: "UNREACHABLE" });
    await server.close();
  });

  it("a client leaves a server that announces too much, and connects again", async () => {
    let connections = 0;
    const strange = createServer((socket) => {
      connections += 1;
      socket.on("error", () => {}).write(connections === 1 ? header(1001) : frame("well"));
    });
    await once(strange.listen(0, LOOPBACK), "listening");
    const { port } = strange.address() as AddressInfo;
    const ears = listener();
    const client = await netClient({ port, maxMessageBytes: 1000 }).open({
      ...ears.events,
      message: (bytes) => ears.events.message("", bytes),
    });
    await ears.hears("message well");
    assert.deepEqual(ears.heard, ["up", "dropped too-large", "down", "up", "message well"]);
    await client.close();
    strange.close();
  });
});

/** Hears what a channel tells, as a list of words; `peers` has who sent each message. */
function listener() {
  const heard: string[] = [];
  const peers: Peer[] = [];
  const news = new EventEmitter();
  const hear = (what: string): void => {
    heard.push(what);
    news.emit("news");
  };
  const events: ServerEvents = {
    up: () => hear("up"),
    down: () => hear("down"),
    dropped: (reason) => hear(`dropped ${reason}`),
    failed: (error) => hear(`failed ${error.code}`),
    message(peer, bytes) {
      peers.push(peer);
      hear(`message ${text(bytes)}`);
    },
    peerGone: () => hear("peerGone"),
  };
  const hears = async (what: string): Promise<void> => {
    const signal = AbortSignal.timeout(10_000);
    while (!heard.includes(what)) {
      await once(news, "news", { signal });
    }
  };
  return { heard, peers, events, hears };
}

/** A plain TCP connection to a channel's endpoint. */
async function dial(endpoint: string): Promise<Socket> {
  const socket = connect(portOf(endpoint), LOOPBACK);
  // The other end may cut it at any time.
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

function portOf(endpoint: string | undefined): number {
  return endpoint === undefined ? 0 : (parseTcpEndpoint(endpoint)?.port ?? 0);
}

function header(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

function frame(content: string): Buffer {
  return Buffer.concat([header(content.length), Buffer.from(content)]);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
