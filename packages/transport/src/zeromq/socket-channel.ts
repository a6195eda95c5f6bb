// What the two kinds of ZeroMQ channel have in common: events, the loops, and the end of a channel.
// dealer-channel.ts and router-channel.ts say what differs.

import { callSafely, LONGEST_TIMER_MS, rethrowLater, withLimit } from "@multifrost/protocol/internal";
import { settle } from "../call-handler.js";
import type { Channel, ChannelLimits, ConnectionEvents, DropReason } from "../channel.js";
import { channelClosed } from "../channel-errors.js";
import type { Outgoing } from "../send-queue.js";
import { type OpenSocket, releaseSocket } from "./open-socket.js";
import { createOutbox, type Outbox, type OutboxParts } from "./outbox.js";
import { receiveLoop } from "./receive-loop.js";
import { socketFailed } from "./socket-errors.js";
import { watchConnections } from "./watch-connections.js";

/** What a channel is made of. */
export interface SocketChannelParts extends Omit<OutboxParts, "fail"> {
  readonly open: OpenSocket;
  readonly limits: Required<ChannelLimits>;
  readonly events: ConnectionEvents;
  /** Hands one message to the user, or says why it is none. May throw what the user's handler throws. */
  deliver(frames: readonly Buffer[]): DropReason | undefined;
}

/** A channel but for the form of its `send`. */
export interface SocketChannel extends Channel {
  /** Queues a message, as `send` of every channel. */
  push(item: Outgoing): void;
}

/** How far a channel is in its life. */
interface Life {
  /** Messages received, whatever became of them. */
  arrived: number;
  phase: "open" | "closing" | "closed";
}

/** Makes a channel of an open socket. */
export function socketChannel(parts: SocketChannelParts): SocketChannel {
  const { open, events } = parts;
  const life: Life = { phase: "open", arrived: 0 };
  let closing: Promise<void> | undefined;

  const fail = (cause: unknown) => {
    whileOpen(life, () => events.failed(socketFailed(open.endpoint, cause)));
    void channel.close();
  };
  const outbox = createOutbox({ ...parts, fail });

  // Nothing is told before the user has the channel in hand.
  const started = new Promise<void>((resolve) => setImmediate(resolve));
  const gone = started.then(() => watch(parts, life, outbox)).catch(fail);
  started.then(() => receiveLoop(open.socket, receiver(parts, life))).catch(fail);

  const channel: SocketChannel = {
    endpoint: open.endpoint,
    get queued() {
      return outbox.length;
    },
    push(item) {
      if (life.phase !== "open") {
        throw channelClosed(open.endpoint);
      }
      outbox.push(item);
    },
    close({ flushTimeoutMs = 0 } = {}) {
      closing ??= shutDown({ open, life, outbox, gone }, flushTimeoutMs);
      return closing;
    },
  };
  return channel;
}

function watch({ open, events }: SocketChannelParts, life: Life, outbox: Outbox): Promise<void> {
  return watchConnections(open, {
    arrived: () => life.arrived,
    up() {
      outbox.connectionUp();
      whileOpen(life, () => events.up());
    },
    down() {
      outbox.connectionDown();
      whileOpen(life, () => events.down());
    },
  });
}

function receiver({ events, deliver }: SocketChannelParts, life: Life): (frames: readonly Buffer[]) => void {
  return (frames) => {
    life.arrived += 1;
    if (life.phase !== "open") {
      return;
    }
    try {
      const reason = deliver(frames);
      if (reason !== undefined) {
        events.dropped(reason);
      }
    } catch (error) {
      rethrowLater(error);
    }
  };
}

async function shutDown(
  { open, life, outbox, gone }: { open: OpenSocket; life: Life; outbox: Outbox; gone: Promise<void> },
  flushTimeoutMs: number,
): Promise<void> {
  life.phase = "closing";
  const deadline = performance.now() + Math.min(flushTimeoutMs, LONGEST_TIMER_MS);
  if (flushTimeoutMs > 0 && outbox.length > 0) {
    await withLimit(outbox.empty(), flushTimeoutMs, () => {});
  }
  life.phase = "closed";
  const left = outbox.clear();
  const released = releaseSocket(open, Math.max(0, Math.ceil(deadline - performance.now())), gone);
  await Promise.resolve();
  for (const item of left) {
    settle(item, channelClosed(open.endpoint));
  }
  await released;
}

function whileOpen(life: Life, event: () => void): void {
  if (life.phase === "open") {
    callSafely(event);
  }
}
