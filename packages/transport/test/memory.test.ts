// The in-memory transport beyond the contract: disconnect and reconnect, delay, loss, reordering.

import { createSeededRandom } from "@multifrost/protocol/internal";
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

  it("delays every message by delayMs, keeps their order, and close waits for them", async () => {
    const transport = createMemoryTransport({ delayMs: 50 });
    const server = await openServer(transport.server);
    const client = await openClient(transport.client());
    const start = performance.now();
    client.channel.send(bytesOf("a"));
    client.channel.send(bytesOf("b"));
    await client.channel.close({ flushTimeoutMs: 5000 });
    expect(performance.now() - start).toBeGreaterThan(45);
    expect(texts(server.recorded)).toEqual(["a", "b"]);
  });

  it("loses the share of messages that lossRate gives, the same ones for the same seed", async () => {
    const arrived = [await sendThrough({ lossRate: 0.3 }), await sendThrough({ lossRate: 0.3 })];
    expect(arrived[0]).toEqual(arrived[1]);
    expect(arrived[0]?.length).toBeGreaterThan(600);
    expect(arrived[0]?.length).toBeLessThan(800);
    expect(arrived[0]).toEqual(arrived[0]?.toSorted((a, b) => a - b));
  });

  it("reorders the share of messages that reorderRate gives, and loses none", async () => {
    const arrived = await sendThrough({ reorderRate: 0.2 });
    expect(arrived).not.toEqual(arrived.toSorted((a, b) => a - b));
    expect(arrived.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  });
});

async function sendThrough(conditions: { lossRate?: number; reorderRate?: number }): Promise<number[]> {
  const transport = createMemoryTransport({ ...conditions, random: createSeededRandom(1) });
  const server = await openServer(transport.server);
  const client = await openClient(transport.client());
  for (let index = 0; index < 1000; index += 1) {
    client.channel.send(bytesOf(String(index)));
  }
  await client.channel.close({ flushTimeoutMs: 5000 });
  return texts(server.recorded).map(Number);
}
