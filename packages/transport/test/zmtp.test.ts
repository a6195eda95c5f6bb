// The ZMTP transports beyond the contract: addresses, socket files, decisions, connecting again, ends in order, options.

import { existsSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { MultifrostError } from "@multifrost/protocol/errors";
import { describe, expect, it } from "vitest";
import { type Connection, privateEndpoint, type ZmtpOptions, zmtpClient, zmtpServer } from "../src/index.js";
import { frame, MORE } from "../src/zmtp/frames.js";
import { bytesOf, closeAfterTest, openClient, openServer, portOf, until } from "./open-channels.js";
import { listenForPeer, RawPeer } from "./raw-peer.js";
import { addressOf, DEALER_HELLO, freshPath, ROUTER_HELLO } from "./zmtp-setups.js";

const MEBIBYTE = 1024 * 1024;

describe("addresses", () => {
  it("a bound end reports its port; by default it listens on the loopback address only", async () => {
    for (const bind of [{}, { host: "localhost" }]) {
      const server = await openServer(zmtpServer({ bind }));
      expect(server.channel.endpoint).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d+$/);
    }
  });

  it("a connecting end accepts a host name", async () => {
    const server = await openServer(zmtpServer({ bind: {} }));
    const client = await openClient(zmtpClient({ connect: { host: "localhost", port: portOf(server.channel) } }));
    client.channel.send(bytesOf("by name"));
    await until(() => server.recorded.messages.length === 1);
  });

  it("a port in use rejects with UNREACHABLE and advice", async () => {
    const { channel } = await openServer(zmtpServer({ bind: {} }));
    const port = portOf(channel);
    await expect(openServer(zmtpServer({ bind: { port } }))).rejects.toMatchObject({
      code: "UNREACHABLE",
      endpoint: `tcp://127.0.0.1:${port}`,
      message: expect.stringContaining(`Another program has port ${port}`),
    });
  });

  it("binding to another machine's address rejects with UNREACHABLE", async () => {
    const opened = openServer(zmtpServer({ bind: { host: "192.0.2.1" } }));
    await expect(opened).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it("the port is free when close resolves", async () => {
    const { channel } = await openServer(zmtpServer({ bind: {} }));
    const port = portOf(channel);
    const client = await openClient(zmtpClient({ connect: { port } }));
    await until(() => client.recorded.ups === 1);
    await channel.close();
    for (let round = 0; round < 30; round += 1) {
      const again = await openServer(zmtpServer({ bind: { port } }));
      await again.channel.close();
    }
  });

  it("an end that connects is called back after each attempt that finds nothing, at a port or a path, until there is one", async () => {
    const path = freshPath();
    const atPath = await openServer(zmtpServer({ connect: { path } }));
    const { channel } = await openClient(zmtpClient({ bind: {} }));
    const port = portOf(channel);
    await channel.close();
    const atPort = await openServer(zmtpServer({ connect: { port } }));
    await until(() => atPath.recorded.absences >= 2 && atPort.recorded.absences >= 2);
    await openClient(zmtpClient({ bind: { path } }));
    await until(() => atPath.recorded.ups === 1);
    const { absences } = atPath.recorded;
    expect(atPath.recorded).toMatchObject({ refused: [], failures: [] });
    await until(() => atPort.recorded.absences >= 5);
    expect(atPath.recorded.absences).toBe(absences);
  });

  it("one end listens in several places", async () => {
    const client = await openClient(zmtpClient({ bind: [{ private: true }, {}] }));
    expect(client.channel.endpoints).toEqual([client.channel.endpoint, expect.stringMatching(/^tcp:/)]);
    for (const endpoint of client.channel.endpoints ?? []) {
      const server = await openServer(zmtpServer({ connect: addressOf(endpoint) }));
      client.channel.send(bytesOf(endpoint));
      await until(() => server.recorded.messages.length === 1);
      await server.channel.close();
    }
  });

  it("when one of several places cannot be used, none stays in use", async () => {
    const { channel } = await openServer(zmtpServer({ bind: {} }));
    const path = freshPath();
    const opened = openServer(zmtpServer({ bind: [{ path }, { port: portOf(channel) }] }));
    await expect(opened).rejects.toMatchObject({ code: "UNREACHABLE" });
    expect(existsSync(path)).toBe(false);
  });
});

describe("socket files", () => {
  it("a private one is in a directory only this user can enter, and gone after close", async () => {
    const { channel } = await openServer(zmtpServer({ bind: { private: true } }));
    const path = channel.endpoint.replace("ipc://", "");
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    expect(statSync(path).isSocket()).toBe(true);
    await channel.close();
    expect(existsSync(dirname(path))).toBe(false);
  });

  it("privateEndpoint makes a path of at most 103 bytes that nothing uses, and removes its directory", async () => {
    const { path, remove } = await privateEndpoint();
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(103);
    expect(existsSync(path)).toBe(false);
    await remove();
    await remove();
    expect(existsSync(dirname(path))).toBe(false);
  });

  it("a file that a killed listener left is replaced", async () => {
    const path = freshPath();
    // A server whose file stays: it is renamed away while the server closes.
    const killed = createServer();
    await new Promise<void>((resolve) => killed.listen(`${path}.old`, resolve));
    renameSync(`${path}.old`, path);
    await new Promise((resolve) => killed.close(resolve));
    expect(existsSync(path)).toBe(true);
    const server = await openServer(zmtpServer({ bind: { path } }));
    const client = await openClient(zmtpClient({ connect: { path } }));
    client.channel.send(bytesOf("hello"));
    await until(() => server.recorded.messages.length === 1);
  });

  it("a living listener, and a file that is no socket, keep their place", async () => {
    const path = freshPath();
    await openServer(zmtpServer({ bind: { path } }));
    await expect(openServer(zmtpServer({ bind: { path } }))).rejects.toMatchObject({ code: "UNREACHABLE" });
    const file = `${path}.txt`;
    writeFileSync(file, "mine");
    await expect(openServer(zmtpServer({ bind: { path: file } }))).rejects.toMatchObject({ code: "UNREACHABLE" });
    expect(statSync(file).size).toBe(4);
  });

  it.skipIf(process.platform !== "linux")("a path of 108 bytes is refused before it is cut and used", () => {
    const message = /bind.path must be a path of 1 to 107 bytes \(this one has 108\)/;
    expect(() => zmtpServer({ bind: { path: "/".padEnd(108, "x") } })).toThrow(message);
    zmtpServer({ bind: { path: "/".padEnd(107, "x") } });
  });
});

describe("connections", () => {
  it("carry properties, an identity and addresses", async () => {
    const arrivals: Connection[] = [];
    const server = await openServer(zmtpServer({ bind: {} }), (connection) => {
      arrivals.push(connection);
      connection.accept();
    });
    const properties = { "X-Token": "secret" };
    const connect = addressOf(server.channel.endpoint);
    const client = await openClient(zmtpClient({ connect, identity: "client-7", properties }));
    client.channel.send(bytesOf("hello"));
    await until(() => server.recorded.messages.length === 1);
    expect(server.recorded.messages[0]?.peer).toBe("client-7");
    const [connection] = arrivals;
    expect(Object.fromEntries(connection?.properties ?? [])).toEqual({ "x-token": "secret" });
    expect(connection?.addresses?.local).toEqual({ host: "127.0.0.1", port: portOf(server.channel) });
    expect(connection?.addresses?.remote.port).toBeGreaterThan(0);
  });

  it("a client with a single guest stops listening, and its socket file is gone", async () => {
    const client = await openClient(zmtpClient({ bind: [{ private: true }, {}], singleGuest: true }));
    const [path = "", tcp = ""] = client.channel.endpoints ?? [];
    const early = await RawPeer.connect(tcp);
    await openServer(zmtpServer({ connect: addressOf(path) }));
    await until(() => client.recorded.ups === 1 && early.isClosed);
    expect(client.recorded.refused).toHaveLength(1);
    await until(() => !existsSync(path.replace("ipc://", "")));
    const late = await openServer(zmtpServer({ connect: addressOf(tcp) }));
    for (let turn = 0; turn < 50; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(late.recorded.ups).toBe(0);
  });

  it("whose token is wrong are refused, and the right one is accepted, in any order", async () => {
    const client = await openClient(zmtpClient({ bind: {}, singleGuest: true }), (connection) => {
      if (connection.properties.get("x-token") === "right") {
        connection.accept();
      } else {
        connection.refuse("wrong token");
      }
    });
    client.channel.send(bytesOf("for the right one"));
    const connect = addressOf(client.channel.endpoint);
    const wrong = await openServer(zmtpServer({ connect, properties: { "X-Token": "wrong" } }));
    await until(() => wrong.recorded.failures.length === 1);
    const right = await openServer(zmtpServer({ connect, properties: { "X-Token": "right" } }));
    await until(() => right.recorded.messages.length === 1);
    expect(wrong.recorded.messages).toEqual([]);
    expect(wrong.recorded.failures[0]).toMatchObject({ message: expect.stringContaining("wrong token") });
    expect([client.recorded.ups, client.recorded.downs]).toEqual([1, 0]);
  });

  it("one that leaves before the decision cannot be accepted", async () => {
    const arrivals: Connection[] = [];
    const server = await openServer(zmtpServer({ bind: {} }), (connection) => void arrivals.push(connection));
    const peer = await RawPeer.connect(server.channel.endpoint);
    peer.send(DEALER_HELLO);
    await until(() => arrivals.length === 1);
    peer.socket.destroy();
    await until(() => server.recorded.refused.length === 1);
    expect(arrivals[0]?.accept()).toBe(false);
    expect([server.recorded.ups, server.recorded.downs]).toEqual([0, 0]);
  });

  it("one that floods before the decision is not read: what it sends stays with it", async () => {
    const arrivals: Connection[] = [];
    const server = await openServer(zmtpServer({ bind: {} }), (connection) => void arrivals.push(connection));
    const peer = await RawPeer.connect(server.channel.endpoint);
    const before = process.memoryUsage().arrayBuffers;
    peer.send(DEALER_HELLO);
    const message = Buffer.concat([frame(MORE, new Uint8Array(0)), frame(0, new Uint8Array(1000))]);
    const flood = Buffer.concat(Array.from({ length: 1000 }, () => message));
    for (let round = 0; round < 64; round += 1) {
      peer.socket.write(flood);
    }
    await until(() => arrivals.length === 1);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(3_000_000);
    arrivals[0]?.accept();
    await until(() => server.recorded.messages.length === 64_000);
  });
});

describe("connecting again", () => {
  it("waits a random time below a limit that doubles up to the longest", async () => {
    const { port, server } = await listenForPeer();
    const times: number[] = [];
    server.on("connection", (socket) => {
      times.push(performance.now());
      socket.destroy();
    });
    await openClient(zmtpClient({ connect: { port }, reconnectDelayMs: 10, maxReconnectDelayMs: 20 }));
    await until(() => times.length >= 30);
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.max(...waits)).toBeLessThan(1000);
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(60);
  });

  it("a peer has a new name on each connection unless it chose one", async () => {
    const server = await openServer(zmtpServer({ bind: {} }));
    const connect = addressOf(server.channel.endpoint);
    for (const identity of ["", "", "mine", "mine"]) {
      const client = await openClient(zmtpClient({ connect, ...(identity === "" ? {} : { identity }) }));
      client.channel.send(bytesOf("hello"));
      const { length } = server.recorded.gone;
      await until(() => server.recorded.messages.length === length + 1);
      await client.channel.close();
      await until(() => server.recorded.gone.length === length + 1);
    }
    expect(server.recorded.messages.map(({ peer }) => peer)).toEqual(["peer-1", "peer-2", "mine", "mine"]);
  });
});

describe("a peer that does not read", () => {
  it("gets an urgent message before nearly all of what waits for it", async () => {
    const server = await openServer(zmtpServer({ bind: {} }));
    const peer = await RawPeer.connect(server.channel.endpoint);
    peer.send(DEALER_HELLO);
    await until(() => server.recorded.ups === 1);
    peer.socket.pause();
    for (let index = 0; index < 20; index += 1) {
      server.channel.send("peer-1", new Uint8Array(MEBIBYTE));
    }
    // Some of it is under way when the urgent message comes.
    await until(() => server.channel.queued < 20);
    server.channel.send("peer-1", bytesOf("urgent"), undefined, { urgent: true });
    peer.socket.resume();
    await until(() => peer.receivedBytes > 20 * MEBIBYTE);
    expect(peer.received.indexOf("urgent")).toBeGreaterThan(0);
    expect(peer.received.indexOf("urgent")).toBeLessThan(10 * MEBIBYTE);
  });

  it("fills its own queue only, and gets everything in order when it reads", async () => {
    const server = await openServer(zmtpServer({ bind: {}, maxQueuedMessages: 50 }));
    const peer = await RawPeer.connect(server.channel.endpoint);
    peer.send(DEALER_HELLO);
    const client = await openClient(zmtpClient({ connect: addressOf(server.channel.endpoint), identity: "reads" }));
    await until(() => server.recorded.ups === 2);
    peer.socket.pause();
    const sendToPeer = () => server.channel.send("peer-1", new Uint8Array(MEBIBYTE));
    const fill = async () => {
      for (;;) {
        sendToPeer();
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await expect(fill()).rejects.toMatchObject({ code: "OVERLOADED" });
    server.channel.send("reads", bytesOf("hello"));
    await until(() => client.recorded.messages.length === 1);
    expect(server.channel.queued).toBe(50);
    peer.socket.resume();
    await until(() => server.channel.queued === 0);
  });
});

describe("an end in order", () => {
  it.each([1, 64])(
    "an answer of %i MiB arrives whole when the server closes at once, though it leaves messages unread",
    async (size) => {
      const server = await openServer(zmtpServer({ bind: {} }));
      const peer = await RawPeer.connect(server.channel.endpoint);
      let bytes = peer.received.length;
      peer.socket.removeAllListeners("data").on("data", (chunk) => {
        bytes += chunk.length;
      });
      peer.send(DEALER_HELLO, Buffer.from([1, 0, 0, 1, 42]));
      await until(() => server.recorded.messages.length === 1);
      server.channel.send("peer-1", new Uint8Array(size * MEBIBYTE));
      // The peer goes on sending, which the server no longer reads into messages.
      const more = Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from([1, 0, 0, 1, 43])));
      peer.socket.pause();
      for (let round = 0; round < 100; round += 1) {
        peer.socket.write(more);
      }
      const closed = server.channel.close({ flushTimeoutMs: 15_000 });
      peer.socket.resume();
      peer.socket.on("end", () => peer.socket.end());
      await closed;
      expect(bytes).toBe(DEALER_HELLO.length + 11 + size * MEBIBYTE);
    },
  );

  it("a peer that never closes its end delays close by 200 ms at most", async () => {
    const server = await openServer(zmtpServer({ bind: {} }));
    const peer = await RawPeer.connect(server.channel.endpoint);
    peer.send(DEALER_HELLO);
    await until(() => server.recorded.ups === 1);
    const begin = performance.now();
    await server.channel.close();
    expect(performance.now() - begin).toBeLessThan(5000);
    await peer.closed();
  });

  it("the end of a peer comes after all of its messages, and what waited for it settles", async () => {
    const server = await openServer(zmtpServer({ bind: {} }));
    const peer = await RawPeer.connect(server.channel.endpoint);
    const message = Buffer.from([1, 0, 0, 1, 42]);
    peer.send(DEALER_HELLO, ...Array.from({ length: 100_000 }, () => message));
    peer.socket.end();
    await until(() => server.recorded.ups === 1);
    peer.socket.pause();
    const outcomes: unknown[] = [];
    for (let index = 0; index < 20; index += 1) {
      server.channel.send("peer-1", new Uint8Array(MEBIBYTE), (error) => outcomes.push(error?.code));
    }
    await until(() => server.recorded.gone.length === 1);
    expect(server.recorded.messages.length).toBe(100_000);
    await until(() => outcomes.length === 20);
    expect(outcomes.filter((code) => code === "PEER_UNKNOWN").length).toBeGreaterThan(0);
    expect(server.channel.queued).toBe(0);
  });

  it("close sends what waits for a connection that is made within flushTimeoutMs", async () => {
    const { port, peer } = await listenForPeer();
    const client = await openClient(zmtpClient({ connect: { port } }));
    client.channel.send(bytesOf("late"));
    const closed = client.channel.close({ flushTimeoutMs: 10_000 });
    const raw = await peer();
    raw.send(ROUTER_HELLO);
    await until(() => raw.received.includes("late"));
    raw.socket.end();
    await closed;
  });

  it("leaves no socket behind", async () => {
    const before = sockets();
    const server = await openServer(zmtpServer({ bind: [{}, { private: true }], heartbeatIntervalMs: 1000 }));
    const clients = await Promise.all(
      (server.channel.endpoints ?? []).map((endpoint) =>
        openClient(zmtpClient({ connect: addressOf(endpoint), heartbeatIntervalMs: 1000 })),
      ),
    );
    const unconnected = await openClient(zmtpClient({ connect: { path: freshPath() } }));
    const stranger = await RawPeer.connect(server.channel.endpoint);
    await until(() => server.recorded.ups === 2);
    await Promise.all([...clients, unconnected].map(({ channel }) => channel.close()));
    await server.channel.close();
    stranger.socket.destroy();
    await until(() => sockets() <= before);
  });
});

describe("options", () => {
  const wrong: [string, unknown][] = [
    ["Give exactly one of bind and connect.", {}],
    ["Give exactly one of bind and connect.", { bind: {}, connect: { port: 1 } }],
    ["bind must be an address or a list of some, not [object Array].", { bind: [] }],
    ["bind must be an address or a list of some, not [object Array].", { bind: [1] }],
    ['connect must be an address, not "x".', { connect: "x" }],
    ["connect.port must be an integer from 1 to 65535, not 0.", { connect: { port: 0 } }],
    ["connect.port must be an integer from 1 to 65535, not undefined.", { connect: {} }],
    ['connect has no option "connect.hosts". Did you mean connect.host?', { connect: { port: 1, hosts: "x" } }],
    ['bind has no option "bind.port". It has path.', { bind: { path: "/tmp/x", port: 1 } }],
    ["bind.private must be true, not false.", { bind: { private: false } }],
    ['singleGuest must be true or false, not "false".', { bind: {}, singleGuest: "false" }],
    ["bind.port must be an integer from 0 to 65535, not 65536.", { bind: { port: 65_536 } }],
    ["maxMessageBytes must be an integer of at least 1, not 0.", { bind: {}, maxMessageBytes: 0 }],
    [
      "handshakeTimeoutMs must be a number of milliseconds from 1 to 2147483647, not 0.",
      { bind: {}, handshakeTimeoutMs: 0 },
    ],
    ["maxFrames must be a whole number of at least 2, or Infinity, not 1.", { bind: {}, maxFrames: 1 }],
    ['identity must be Latin-1 text that does not begin with a zero byte, not "€".', { bind: {}, identity: "€" }],
    [
      'a name in properties must be X- followed by letters, digits and .+_-, not "Token".',
      { bind: {}, properties: { Token: "x" } },
    ],
    [
      "identity and properties take 334 bytes on the wire; at most 257 are sent.",
      { bind: {}, properties: { "X-Token": "x".repeat(285) } },
    ],
  ];
  for (const [message, options] of wrong) {
    it(message, () => {
      for (const make of [zmtpClient, zmtpServer]) {
        expect(() => make(options as ZmtpOptions)).toThrow(new MultifrostError("INVALID_OPTION", message));
      }
    });
  }

  it("a misspelt name is refused with the nearest", () => {
    const options = { bind: {}, maxMessageByte: 5 } as ZmtpOptions;
    expect(() => zmtpClient(options)).toThrow(
      'zmtpClient() has no option "maxMessageByte". Did you mean maxMessageBytes?',
    );
    expect(() => zmtpServer(options)).toThrow("zmtpServer() has no option");
  });
});

/** Sockets and listeners of this process. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => /^(TCP|Pipe)/.test(kind)).length;
}

describe("messages that arrive in one piece", () => {
  it("say that they follow one another; the next piece begins again", async () => {
    const seen: [text: string, follows: boolean | undefined][] = [];
    let ups = 0;
    const channel = await zmtpServer({ bind: {} }).open({
      up() {
        ups += 1;
      },
      down() {},
      dropped() {},
      failed() {},
      peerGone() {},
      message: (_peer, bytes, follows) => void seen.push([Buffer.from(bytes).toString(), follows]),
    });
    closeAfterTest(() => channel.close());
    const peer = await RawPeer.connect(channel.endpoint);
    const message = (text: string) => Buffer.concat([frame(MORE, new Uint8Array(0)), frame(0, bytesOf(text))]);
    peer.send(DEALER_HELLO);
    await until(() => ups === 1);
    peer.send(message("a"), message("b"), message("c"));
    await until(() => seen.length === 3);
    peer.send(message("d"));
    await until(() => seen.length === 4);
    expect(seen).toEqual([
      ["a", false],
      ["b", true],
      ["c", true],
      ["d", false],
    ]);
  });
});
