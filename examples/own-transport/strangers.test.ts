// What the contract suite cannot test, as it does not know this transport: strangers that send plain TCP to it.

import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { LOOPBACK, type Peer, parseTcpEndpoint, type ServerEvents } from "@multifrost/transport";
import { OverloadError } from "multifrost";
import { readFrames } from "./framing.js";
import { netClient } from "./net-client.js";
import { netServer } from "./net-server.js";

const MEBIBYTE = 1024 * 1024;

describe("a transport over TCP", () => {
  it("reads messages that arrive in pieces of any size", () => {
    const sent = Buffer.concat([frame("in"), frame(""), frame("pieces")]);
    for (let size = 1; size <= sent.length; size += 1) {
      const seen: string[] = [];
      const stream = new Readable({ read() {} });
      readFrames(stream, 1000, {
        message: (bytes) => seen.push(text(bytes)),
        tooLarge: () => seen.push("too large"),
      });
      for (let at = 0; at < sent.length; at += size) {
        stream.emit("data", sent.subarray(at, at + size));
      }
      assert.deepEqual(seen, ["in", "", "pieces"], `in pieces of ${size} bytes`);
    }
  });

  it("a length above the limit ends that connection, is reported, and leaves other connections alone", async () => {
    const { seen, events, waitFor } = recorder();
    const server = await netServer({ maxMessageBytes: 1000 }).open(events);
    const friend = await dial(server.endpoint);
    const stranger = await dial(server.endpoint);
    stranger.write(Buffer.concat([header(1001), frame("after it")]));
    await once(stranger.resume(), "close");
    await waitFor("peerGone");
    friend.write(frame("still here"));
    await waitFor("message still here");
    assert.deepEqual(seen, ["up", "up", "dropped too-large", "down", "peerGone", "message still here"]);
    friend.destroy();
    await server.close();
  });

  it("a length within the limit takes no memory until the bytes arrive", () => {
    const before = process.memoryUsage().arrayBuffers;
    const streams = Array.from({ length: 50 }, () => new Readable({ read() {} }));
    for (const stream of streams) {
      readFrames(stream, 64 * MEBIBYTE, { message: () => assert.fail(), tooLarge: () => assert.fail() });
      stream.emit("data", Buffer.concat([header(64 * MEBIBYTE), Buffer.from("and no more")]));
    }
    const taken = process.memoryUsage().arrayBuffers - before;
    assert.ok(taken < 64 * MEBIBYTE, `${streams.length} claims of 64 MiB took ${taken} bytes`);
  });

  it("what a peer does not read counts towards its own bound only", async () => {
    const { seen, peers, events, waitFor } = recorder();
    const server = await netServer({ maxQueuedMessages: 10 }).open(events);
    const [silent, reading] = [await dial(server.endpoint), await dial(server.endpoint)];
    silent.write(frame("silent"));
    await waitFor("message silent");
    reading.write(frame("reading"));
    await waitFor("message reading");
    const outcomes: unknown[] = [];
    const sendUntilFull = async (): Promise<void> => {
      for (let sent = 0; sent < 10_000; sent += 1) {
        server.send(peers[0]!, new Uint8Array(MEBIBYTE), (error) => outcomes.push(error?.code));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await assert.rejects(sendUntilFull, OverloadError);
    assert.equal(server.queued, 10);
    assert.throws(() => server.send("unknown", new Uint8Array(65 * MEBIBYTE)), { code: "MESSAGE_TOO_LARGE" });
    server.send(peers[1]!, Buffer.from("for you"));
    const [chunk] = await once(reading, "data");
    assert.deepEqual(chunk, frame("for you"));
    assert.deepEqual(seen, ["up", "up", "message silent", "message reading"]);
    silent.destroy();
    await waitFor("peerGone");
    assert.deepEqual(
      outcomes.filter((code) => code !== undefined),
      Array.from({ length: 10 }, () => "PEER_UNKNOWN"),
    );
    reading.destroy();
    await server.close();
  });

  it("a client without a server emits no event until a server listens", async () => {
    const gone = await netServer().open(recorder().events);
    await gone.close();
    const { seen, events, waitFor } = recorder();
    const port = portOf(gone.endpoint);
    const client = await netClient({ port }).open({ ...events, message() {} });
    await assert.rejects(dial(gone.endpoint), { code: "ECONNREFUSED" });
    const server = await netServer({ port }).open(recorder().events);
    await waitFor("up");
    assert.deepEqual(seen, ["up"]);
    await client.close();
    await server.close();
  });

  it("an address that cannot be used is UNREACHABLE", async () => {
    const { events } = recorder();
    const server = await netServer().open(events);
    const taken = netServer({ port: portOf(server.endpoint) });
    await assert.rejects(taken.open(events), { name: "ConnectionError", code: "UNREACHABLE" });
    const noPort = netClient({ port: 65_536 });
    await assert.rejects(noPort.open({ ...events, message() {} }), { name: "ConnectionError", code: "UNREACHABLE" });
    await server.close();
  });

  it("a client disconnects from a server that announces too much, and reconnects", async () => {
    let connections = 0;
    const strange = createServer((socket) => {
      connections += 1;
      socket.on("error", () => {}).write(connections === 1 ? header(1001) : frame("well"));
    });
    await once(strange.listen(0, LOOPBACK), "listening");
    const { port } = strange.address() as AddressInfo;
    const record = recorder();
    const client = await netClient({ port, maxMessageBytes: 1000 }).open({
      ...record.events,
      message: (bytes) => record.events.message("", bytes),
    });
    await record.waitFor("message well");
    assert.deepEqual(record.seen, ["up", "dropped too-large", "down", "up", "message well"]);
    await client.close();
    strange.close();
  });
});

/** Records the events of a channel as words; `peers` has the sender of each message. */
function recorder() {
  const seen: string[] = [];
  const peers: Peer[] = [];
  const news = new EventEmitter();
  const record = (what: string): void => {
    seen.push(what);
    news.emit("news");
  };
  const events: ServerEvents = {
    up: () => record("up"),
    down: () => record("down"),
    dropped: (reason) => record(`dropped ${reason}`),
    failed: (error) => record(`failed ${error.code}`),
    message(peer, bytes) {
      peers.push(peer);
      record(`message ${text(bytes)}`);
    },
    peerGone: () => record("peerGone"),
  };
  const waitFor = async (what: string): Promise<void> => {
    const signal = AbortSignal.timeout(10_000);
    while (!seen.includes(what)) {
      await once(news, "news", { signal });
    }
  };
  return { seen, peers, events, waitFor };
}

/** A plain TCP connection to a channel's endpoint. */
async function dial(endpoint: string): Promise<Socket> {
  const socket = connect(portOf(endpoint), LOOPBACK);
  // The other end may close it at any time.
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
