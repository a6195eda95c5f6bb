// The ZeroMQ transports beyond the contract: frames, strangers, oversized messages, addresses, options, errors.

import { connect as connectSocket } from "node:net";
import { ConnectionError, MultifrostError } from "@multifrost/protocol/errors";
import { describe, expect, it } from "vitest";
import { Dealer, Router } from "zeromq";
import { type ZeromqOptions, zeromqClient, zeromqServer } from "../src/index.js";
import { transportUnavailable } from "../src/zeromq/load-zeromq.js";
import { bytesOf, closeAfterTest, openClient, openServer, portOf, texts, until } from "./open-channels.js";

describe("frames", () => {
  it("a server drops messages with too few frames or a non-empty delimiter, and ignores frames behind the payload", async () => {
    const server = await openServer(zeromqServer({ bind: {} }));
    const raw = rawDealer(server.channel.endpoint);
    await raw.send("alone");
    await raw.send(["", ""]);
    await raw.send(["not empty", "payload"]);
    await raw.send(["", "payload", "behind", "more"]);
    await until(() => server.recorded.messages.length === 2);
    expect(server.recorded.dropped).toEqual(["wrong-frames", "wrong-frames"]);
    expect(texts(server.recorded)).toEqual(["", "payload"]);
  });

  it("a client drops messages with too few frames or a non-empty delimiter, and ignores frames behind the payload", async () => {
    const client = await openClient(zeromqClient({ bind: {} }));
    const raw = new Router({ linger: 0, mandatory: true });
    closeAfterTest(() => raw.close());
    raw.connect(client.channel.endpoint);
    client.channel.send(bytesOf("hello"));
    const [peer = Buffer.alloc(0), ...rest] = await raw.receive();
    expect(rest.map(String)).toEqual(["", "hello"]);
    for (const frames of [["alone"], ["not empty", "payload"], ["", "payload", "behind"]]) {
      await raw.send([peer, ...frames]);
    }
    await until(() => client.recorded.messages.length === 1);
    expect(client.recorded.dropped).toEqual(["wrong-frames", "wrong-frames"]);
    expect(texts(client.recorded)).toEqual(["payload"]);
  });

  it("a server sends [empty, payload] to peers whose names are arbitrary bytes", async () => {
    const server = await openServer(zeromqServer({ bind: {} }));
    const raw = rawDealer(server.channel.endpoint, Buffer.from([1, 0, 127, 128, 255, 10]).toString("latin1"));
    await raw.send(["", "hello"]);
    await until(() => server.recorded.messages.length === 1);
    const peer = server.recorded.messages[0]?.peer ?? "";
    server.channel.send(peer, bytesOf("answer"));
    expect((await raw.receive()).map(String)).toEqual(["", "answer"]);
  });
});

describe("strangers", () => {
  it("bytes that are not ZMTP cause no up or down, and disturb no connection", async () => {
    const server = await openServer(zeromqServer({ bind: {}, maxMessageBytes: 1000 }));
    const client = await openClient(zeromqClient({ connect: { port: portOf(server.channel) } }));
    await until(() => server.recorded.ups === 1 && client.recorded.ups === 1);
    for (const garbage of [`GET / HTTP/1.1\r\n\r\n${"x".repeat(300)}`, Buffer.alloc(5000, 255), Buffer.alloc(64), ""]) {
      const stranger = connectSocket(portOf(server.channel), "127.0.0.1");
      stranger.on("error", () => {});
      stranger.end(garbage);
      stranger.resume();
      await new Promise((resolve) => stranger.on("close", resolve));
    }
    client.channel.send(bytesOf("still here"));
    await until(() => server.recorded.messages.length > 0);
    expect(texts(server.recorded)).toEqual(["still here"]);
    expect({ ups: server.recorded.ups, downs: server.recorded.downs }).toEqual({ ups: 1, downs: 0 });
    expect(client.recorded.downs).toBe(0);
  });

  it("a message above the receiver's limit ends the connection and is not delivered; the sender may reconnect", async () => {
    const server = await openServer(zeromqServer({ bind: {}, maxMessageBytes: 1000 }));
    const client = await openClient(zeromqClient({ connect: { port: portOf(server.channel) } }));
    client.channel.send(new Uint8Array(1001));
    await until(() => client.recorded.downs === 1 && server.recorded.downs === 1);
    await until(() => client.recorded.ups === 2);
    client.channel.send(new Uint8Array(1000));
    await until(() => server.recorded.messages.length === 1);
    expect(server.recorded.messages[0]?.bytes.length).toBe(1000);
  });

  it("a server that connects reports a message above its limit as dropped, and stays connected", async () => {
    const client = await openClient(zeromqClient({ bind: {} }));
    const server = await openServer(zeromqServer({ connect: { port: portOf(client.channel) }, maxMessageBytes: 1000 }));
    client.channel.send(new Uint8Array(1001));
    client.channel.send(new Uint8Array(1000));
    await until(() => server.recorded.messages.length === 1);
    expect(server.recorded.messages[0]?.bytes.length).toBe(1000);
    expect(server.recorded.dropped).toEqual(["too-large"]);
    expect(server.recorded.downs).toBe(0);
  });
});

describe("peers that come and go", () => {
  it("a message that arrives while another peer leaves is delivered without a further message", async () => {
    const server = await openServer(zeromqServer({ bind: {} }));
    const port = portOf(server.channel);
    const stays = await openClient(zeromqClient({ connect: { port } }));
    for (let round = 1; round <= 100; round += 1) {
      const goes = await openClient(zeromqClient({ connect: { port } }));
      await until(() => goes.recorded.ups === 1);
      await goes.channel.close();
      stays.channel.send(bytesOf(`round ${round}`));
      await until(() => server.recorded.messages.length === round);
    }
    expect(texts(server.recorded).at(-1)).toBe("round 100");
  });
});

describe("addresses", () => {
  it("a bound end reports its port; by default it listens on the loopback address only", async () => {
    const server = await openServer(zeromqServer({ bind: {} }));
    expect(server.channel.endpoint).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d+$/);
    const named = await openServer(zeromqServer({ bind: { host: "localhost" } }));
    expect(named.channel.endpoint).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d+$/);
  });

  it("a connecting end accepts a host name", async () => {
    const server = await openServer(zeromqServer({ bind: {} }));
    const client = await openClient(zeromqClient({ connect: { host: "localhost", port: portOf(server.channel) } }));
    client.channel.send(bytesOf("by name"));
    await until(() => server.recorded.messages.length === 1);
  });

  it("a port in use rejects with UNREACHABLE and advice", async () => {
    const { channel } = await openServer(zeromqServer({ bind: {} }));
    const port = portOf(channel);
    const error = await openServer(zeromqServer({ bind: { port } })).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({
      code: "UNREACHABLE",
      endpoint: `tcp://127.0.0.1:${port}`,
      message:
        `Cannot listen on tcp://127.0.0.1:${port}: Address already in use (EADDRINUSE). Another program has port ` +
        `${port}: stop it, choose another port, or leave the port out to get a free one.`,
    });
  });

  it("the port is free when close resolves", async () => {
    const { channel } = await openServer(zeromqServer({ bind: {} }));
    const port = portOf(channel);
    const client = await openClient(zeromqClient({ connect: { port } }));
    await until(() => client.recorded.ups === 1);
    await channel.close();
    for (let round = 0; round < 30; round += 1) {
      const again = await openServer(zeromqServer({ bind: { port } }));
      await again.channel.close();
    }
  });

  it("binding to another machine's address rejects with UNREACHABLE", async () => {
    const opened = openServer(zeromqServer({ bind: { host: "192.0.2.1" } }));
    await expect(opened).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it("connecting to an invalid host rejects with UNREACHABLE", async () => {
    const opened = openClient(zeromqClient({ connect: { host: "no host", port: 1 } }));
    await expect(opened).rejects.toMatchObject({ code: "UNREACHABLE" });
  });
});

describe("options", () => {
  const wrong: [string, unknown][] = [
    ["Give exactly one of bind and connect.", {}],
    ["Give exactly one of bind and connect.", { bind: {}, connect: { port: 1 } }],
    ["connect.port must be an integer from 1 to 65535, not 0.", { connect: { port: 0 } }],
    ["bind.port must be an integer from 0 to 65535, not 65536.", { bind: { port: 65_536 } }],
    ["maxMessageBytes must be an integer of at least 1, not 0.", { bind: {}, maxMessageBytes: 0 }],
    ["maxQueuedMessages must be an integer of at least 1, not 1.5.", { bind: {}, maxQueuedMessages: 1.5 }],
  ];
  for (const [message, options] of wrong) {
    it(`${JSON.stringify(options)}: ${message}`, () => {
      for (const make of [zeromqClient, zeromqServer]) {
        expect(() => make(options as ZeromqOptions)).toThrow(new MultifrostError("INVALID_OPTION", message));
      }
    });
  }
});

describe("the native library missing", () => {
  it("is TRANSPORT_UNAVAILABLE, with the platform and advice", () => {
    const cause = new Error("No native build was found");
    const error = transportUnavailable(cause, { platform: "linux", arch: "riscv64", libc: "musl" });
    expect(error.code).toBe("TRANSPORT_UNAVAILABLE");
    expect(error.cause).toBe(cause);
    expect(error.message.split("\n")).toEqual([
      "The native library of the zeromq package could not be loaded on linux/riscv64 (musl): No native build was found",
      "It comes prebuilt for Linux (x64 and arm64, glibc and musl), macOS (x64 and arm64) and Windows (x64, ia32, arm64).",
      "Reinstall on this machine and for this platform: npm rebuild zeromq, or remove node_modules and install again.",
      "On musl it is found only where /etc/alpine-release exists: elsewhere create that file, or build zeromq.",
      'Or use the default transport, "zmtp", which has no native code and the same protocol.',
    ]);
  });
});

function rawDealer(endpoint: string, routingId?: string): Dealer {
  const raw = new Dealer({ linger: 0, ...(routingId !== undefined && { routingId }) });
  closeAfterTest(() => raw.close());
  raw.connect(endpoint);
  return raw;
}
