// Opens channels for a test and closes them after it.

import { afterEach, vi } from "vitest";
import {
  type ClientChannel,
  type ClientTransport,
  type Connection,
  type DropReason,
  type Peer,
  parseTcpEndpoint,
  type ServerChannel,
  type ServerTransport,
} from "../src/index.js";

/** The events of one channel. */
export interface Recorded {
  messages: { peer: Peer; bytes: Uint8Array }[];
  dropped: DropReason[];
  failures: unknown[];
  gone: Peer[];
  /** Reasons of connections that ended without having been accepted. */
  refused: string[];
  /** Attempts that found nothing at the other end. */
  absences: number;
  ups: number;
  downs: number;
}

const toClose: (() => unknown)[] = [];

afterEach(async () => {
  await Promise.all(toClose.splice(0).map((close) => close()));
});

/** Registers something to close after the test. */
export function closeAfterTest(close: () => unknown): void {
  toClose.push(close);
}

export async function openServer(
  transport: ServerTransport,
  arrived?: (connection: Connection) => void,
): Promise<{ channel: ServerChannel; recorded: Recorded }> {
  const { recorded, events } = listen();
  const channel = await transport.open({ ...events, ...(arrived && { arrived }) });
  closeAfterTest(() => channel.close());
  return { channel, recorded };
}

export async function openClient(
  transport: ClientTransport,
  arrived?: (connection: Connection) => void,
): Promise<{ channel: ClientChannel; recorded: Recorded }> {
  const { recorded, events } = listen();
  const message = (bytes: Uint8Array) => events.message("", bytes);
  const channel = await transport.open({ ...events, message, ...(arrived && { arrived }) });
  closeAfterTest(() => channel.close());
  return { channel, recorded };
}

/** Waits for a condition. */
export async function until(condition: () => boolean, timeout = 10_000): Promise<void> {
  await vi.waitUntil(condition, { timeout, interval: 2 });
}

export function portOf(channel: { endpoint: string }): number {
  return parseTcpEndpoint(channel.endpoint)?.port ?? 0;
}

export function texts(recorded: Recorded): string[] {
  return recorded.messages.map(({ bytes }) => new TextDecoder().decode(bytes));
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function listen() {
  const recorded: Recorded = {
    messages: [],
    dropped: [],
    failures: [],
    gone: [],
    refused: [],
    absences: 0,
    ups: 0,
    downs: 0,
  };
  const events = {
    notListening() {
      recorded.absences += 1;
    },
    up() {
      recorded.ups += 1;
    },
    down() {
      recorded.downs += 1;
    },
    dropped: (reason: DropReason) => void recorded.dropped.push(reason),
    failed: (error: unknown) => void recorded.failures.push(error),
    peerGone: (peer: Peer) => void recorded.gone.push(peer),
    refused: (reason: string) => void recorded.refused.push(reason),
    message: (peer: Peer, bytes: Uint8Array) => void recorded.messages.push({ peer, bytes }),
  };
  return { recorded, events };
}
