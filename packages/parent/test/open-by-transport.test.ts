import { ConnectionError } from "@multifrost/protocol";
import { type ClientEvents, createMemoryTransport } from "@multifrost/transport";
import { describe, expect, it, vi } from "vitest";
import type { LinkEvents } from "../src/link.js";
import { openByTransport } from "../src/open-by-transport.js";
import { scriptedWorker } from "./support/composed.js";
import { errorOf, until } from "./support/until.js";

const { signal } = new AbortController();

function heard() {
  const events = { message: vi.fn(), output: vi.fn(), dropped: vi.fn(), spawned: vi.fn() };
  return { ...events, interrupted: vi.fn(), resumed: vi.fn(), ended: vi.fn() } satisfies LinkEvents;
}

/** A transport whose channel the test plays by hand. */
function byHand() {
  const close = vi.fn(async () => {});
  const channel = { endpoint: "hand://made", queued: 0, send() {}, close };
  const opened: { events?: ClientEvents } = {};
  const open = async (events: ClientEvents) => {
    opened.events = events;
    return channel;
  };
  return { transport: { open }, close, opened };
}

describe("a link over a transport of the user's own", () => {
  it("is open when somebody has connected", async () => {
    const { memory } = await scriptedWorker();
    const link = await openByTransport(memory.client(), 1000)(heard(), signal);
    expect(link.worker).toBeUndefined();
    expect(link.channel.endpoint).toBe("memory://local");
    await link.channel.close();
  });

  it("nobody connects in time: ConnectionError UNREACHABLE, and the channel is closed", async () => {
    const { transport, close } = byHand();
    expect(await errorOf(openByTransport(transport, 5)(heard(), signal))).toMatchObject({
      name: "ConnectionError",
      code: "UNREACHABLE",
      endpoint: "hand://made",
      message:
        "Nobody answered at hand://made within 5 ms. Check that the worker is running there and has been started with " +
        "run() or start().",
    });
    expect(close).toHaveBeenCalledOnce();
  });

  it("the signal fires first: its reason, and the channel is closed", async () => {
    const { transport, close } = byHand();
    const reason = new Error("stopped");
    expect(await errorOf(openByTransport(transport, 10_000)(heard(), AbortSignal.abort(reason)))).toBe(reason);
    expect(close).toHaveBeenCalledOnce();
  });

  it("a channel that fails before it is connected rejects with that error", async () => {
    const { transport, close, opened } = byHand();
    const opening = errorOf(openByTransport(transport, 10_000)(heard(), signal));
    await until(() => opened.events !== undefined);
    const error = new ConnectionError("CONNECTION_LOST", "broken");
    opened.events?.failed(error);
    expect(await opening).toBe(error);
    expect(close).toHaveBeenCalledOnce();
  });

  it("breaks and reconnects are told; a failure for good is the end", async () => {
    const { transport, opened } = byHand();
    const link = heard();
    const opening = openByTransport(transport, 10_000)(link, signal);
    await until(() => opened.events !== undefined);
    opened.events?.up();
    await opening;
    opened.events?.down();
    opened.events?.up();
    expect(link.interrupted).toHaveBeenCalledExactlyOnceWith({ kind: "connection", endpoint: "hand://made" });
    expect(link.resumed).toHaveBeenCalledOnce();
    const cause = new ConnectionError("CONNECTION_LOST", "broken");
    opened.events?.failed(cause);
    expect(link.ended).toHaveBeenCalledExactlyOnceWith({ kind: "connection", endpoint: "hand://made", cause });
  });

  it("a transport that cannot be opened rejects as it does", async () => {
    const memory = createMemoryTransport();
    const error = new ConnectionError("TRANSPORT_UNAVAILABLE", "not here");
    const transport = { ...memory.client(), open: () => Promise.reject(error) };
    expect(await errorOf(openByTransport(transport, 1000)(heard(), signal))).toBe(error);
  });
});
