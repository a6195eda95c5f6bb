// The in-memory transport beyond the contract: disconnect and reconnect.

import { describe, expect, it } from "vitest";
import { createMemoryTransport } from "../src/index.js";
import { bytesOf, openClient, openServer, texts, until } from "./open-channels.js";

describe("the in-memory transport", () => {
  it("calls down on disconnect and up on reconnect at both ends, and the peer returns under a new name", async () => {
    const transport = createMemoryTransport();
    const server = await openServer(transport.server);
    const client = await openClient(transport.client());
    client.channel.send(bytesOf("first"));
    await until(() => server.recorded.messages.length === 1);
    transport.disconnect();
    await until(() => server.recorded.downs === 1 && client.recorded.downs === 1);
    expect(server.recorded.gone).toEqual([server.recorded.messages[0]?.peer]);
    client.channel.send(bytesOf("waits"));
    expect(client.channel.queued).toBe(1);
    transport.reconnect();
    await until(() => server.recorded.messages.length === 2);
    expect(texts(server.recorded)).toEqual(["first", "waits"]);
    expect(new Set(server.recorded.messages.map(({ peer }) => peer)).size).toBe(2);
    expect([server.recorded.ups, client.recorded.ups]).toEqual([2, 2]);
  });

  it("calls peerGone at the server when a client closes", async () => {
    const transport = createMemoryTransport();
    const server = await openServer(transport.server);
    const client = await openClient(transport.client());
    client.channel.send(bytesOf("hello"));
    await until(() => server.recorded.messages.length === 1);
    await client.channel.close();
    await until(() => server.recorded.gone.length === 1);
    expect(server.recorded.gone).toEqual([server.recorded.messages[0]?.peer]);
  });

  it("refuses options that are none of its", () => {
    expect(() => createMemoryTransport({ maxQueuedByte: 1 } as object)).toThrow("Did you mean maxQueuedBytes?");
    expect(() => createMemoryTransport({ maxQueuedBytes: "1" } as never)).toThrow(
      'maxQueuedBytes must be an integer of at least 1, not "1".',
    );
  });

  it("rejects a second open server", async () => {
    const { server } = createMemoryTransport();
    await openServer(server);
    await expect(openServer(server)).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it("sends a copy: later changes of the sent bytes do not arrive", async () => {
    const transport = createMemoryTransport();
    const server = await openServer(transport.server);
    const client = await openClient(transport.client());
    const bytes = bytesOf("before");
    client.channel.send(bytes);
    bytes.fill(0);
    await until(() => server.recorded.messages.length === 1);
    expect(texts(server.recorded)).toEqual(["before"]);
  });
});
