// Between `send` and the socket (step 6 of a call): keeps what is queued, and starts the send loop when there is
// something to send and a connection to send it on. Next: send-loop.ts.

import type { ChannelLimits } from "../channel.js";
import { createSendQueue, type Outgoing } from "../send-queue.js";
import type { SendLoop } from "./send-loop.js";

/** What an outbox is made of. */
export interface OutboxParts {
  readonly limits: Required<ChannelLimits>;
  /** Whether to wait with sending until a connection is up, and again when it is lost. */
  readonly needsConnection: boolean;
  /** Sends what goes out in one turn of the event loop. Must not throw. */
  sendQueued(loop: SendLoop): void;
  /** Is told when the socket failed. */
  fail(cause: unknown): void;
}

/** What waits to be sent on one socket. */
export interface Outbox {
  readonly length: number;
  /** Queues a message and sees to it that it is sent; throws as the queue does. */
  push(item: Outgoing): void;
  connectionUp(): void;
  connectionDown(): void;
  /** Resolves when nothing waits any more. */
  empty(): Promise<void>;
  /** Takes out everything that waits. */
  clear(): Outgoing[];
}

/** Makes an empty outbox. */
export function createOutbox({ limits, needsConnection, sendQueued, fail }: OutboxParts): Outbox {
  const queue = createSendQueue(limits);
  let connections = 0;
  let reached = false;
  let failed = false;
  let sending = false;
  let whenEmpty: () => void = () => {};

  const loop: SendLoop = {
    queue,
    connected: () => !failed && (connections > 0 || !needsConnection),
    reached(isWritable) {
      reached ||= isWritable();
      return reached;
    },
    fail(cause) {
      failed = true;
      fail(cause);
    },
  };

  const run = () => {
    // After `close` the queue is empty, and the socket must not be touched any more.
    if (queue.length > 0 && loop.connected()) {
      sendQueued(loop);
    }
    if (queue.length > 0 && loop.connected()) {
      setImmediate(run);
      return;
    }
    sending = false;
    if (queue.length === 0) {
      whenEmpty();
    }
  };

  const wake = () => {
    if (!sending && loop.connected()) {
      sending = true;
      queueMicrotask(run);
    }
  };

  return {
    get length() {
      return queue.length;
    },
    push(item) {
      queue.push(item);
      wake();
    },
    connectionUp() {
      connections += 1;
      reached = false;
      wake();
    },
    connectionDown() {
      connections -= 1;
    },
    empty: () =>
      new Promise((resolve) => {
        whenEmpty = resolve;
        wake();
      }),
    clear: () => queue.clear(),
  };
}
