// Opens channels for a test and closes them after it.

import { afterEach, vi } from "vitest";
import {
  type ClientChannel,
  type ClientTransport,
  type DropReason,
  type Peer,
  parseTcpEndpoint,
  type ServerChannel,
  type ServerTransport,
} from "../src/index.js";

/** What one channel has said. */
export interface Heard {
  messages: { peer: Peer; bytes: Uint8Array }[];
  dropped: DropReason[];
  failures: unknown[];
  gone: Peer[];
  ups: number;
  downs: number;
}

const toClose: (() => unknown)[] = [];

afterEach(async () => {
  await Promise.all(toClose.splice(0).map((close) => close()));
});

/** Has something closed after the test. */
export function closeAfterTest(close: () => unknown): void {
  toClose.push(close);
}

export async function openServer(transport: ServerTransport): Promise<{ channel: ServerChannel; heard: Heard }> {
  const { heard, events } = listen();
  const channel = await transport.open(events);
  closeAfterTest(() => channel.close());
  return { channel, heard };
}

export async function openClient(transport: ClientTransport): Promise<{ channel: ClientChannel; heard: Heard }> {
  const { heard, events } = listen();
  const channel = await transport.open({ ...events, message: (bytes) => events.message("", bytes) });
  closeAfterTest(() => channel.close());
  return { channel, heard };
}

/** Waits for a condition, looking at it again and again. */
export async function until(condition: () => boolean, timeout = 10_000): Promise<void> {
  await vi.waitUntil(condition, { timeout, interval: 2 });
}

export function portOf(channel: { endpoint: string }): number {
  return parseTcpEndpoint(channel.endpoint)?.port ?? 0;
}

export function texts(heard: Heard): string[] {
  return heard.messages.map(({ bytes }) => new TextDecoder().decode(bytes));
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function listen() {
  const heard: Heard = { messages: [], dropped: [], failures: [], gone: [], ups: 0, downs: 0 };
  const events = {
    up() {
      heard.ups += 1;
    },
    down() {
      heard.downs += 1;
    },
    dropped: (reason: DropReason) => void heard.dropped.push(reason),
    failed: (error: unknown) => void heard.failures.push(error),
    peerGone: (peer: Peer) => void heard.gone.push(peer),
    message: (peer: Peer, bytes: Uint8Array) => void heard.messages.push({ peer, bytes }),
  };
  return { heard, events };
}
