import { ConnectionError } from "@multifrost/protocol";
import { expect, it, vi } from "vitest";
import { connectionSigns } from "../src/connection-signs.js";
import type { LinkEvents } from "../src/link.js";
import { errorOf } from "./support/until.js";

function signs() {
  const link = { message: vi.fn(), dropped: vi.fn() };
  const after = { up: vi.fn(), down: vi.fn(), failed: vi.fn() };
  const made = connectionSigns(link as unknown as LinkEvents, after);
  return { link, after, made, events: made.events, connected: made.connected };
}

it("the first connection resolves the promise, and is no `up`", async () => {
  const { events, connected, after } = signs();
  events.down();
  events.up();
  await connected;
  expect(after.up).not.toHaveBeenCalled();
  expect(after.down).not.toHaveBeenCalled();
});

it("what follows the first connection is told", () => {
  const { events, after } = signs();
  events.up();
  events.down();
  events.up();
  expect(after.down).toHaveBeenCalledOnce();
  expect(after.up).toHaveBeenCalledOnce();
});

it("whether it is up is known at any time", () => {
  const { events, made } = signs();
  const seen = [made.isUp];
  for (const change of [events.up, events.down, events.up]) {
    change();
    seen.push(made.isUp);
  }
  expect(seen).toEqual([false, true, false, true]);
});

it("a failure before the first connection rejects the promise; one that nobody waits for is no unhandled rejection", async () => {
  const { events, connected, after } = signs();
  const error = new ConnectionError("CONNECTION_LOST", "broken");
  events.failed(error);
  await new Promise(setImmediate);
  expect(await errorOf(connected)).toBe(error);
  expect(after.failed).toHaveBeenCalledExactlyOnceWith(error);
});

it("messages and drops are passed on", () => {
  const { events, link } = signs();
  const bytes = Uint8Array.of(1);
  events.message(bytes);
  events.dropped("wrong-frames");
  expect(link.message).toHaveBeenCalledExactlyOnceWith(bytes);
  expect(link.dropped).toHaveBeenCalledExactlyOnceWith("wrong-frames");
});
