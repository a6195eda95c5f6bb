// Empties a send queue into a socket. A socket takes one send at a time, so there is one loop for each.

import type { Dealer, Router } from "zeromq";
import { settle } from "../call-handler.js";
import { peerUnknown } from "../channel-errors.js";
import type { Outgoing, SendQueue } from "../send-queue.js";
import { toPeer, toServer } from "./frames.js";
import type { OpenSocket } from "./open-socket.js";
import { isNoSuchPeer, isTryAgain, socketFailed } from "./socket-errors.js";

/** How many messages a server sends in one turn of the event loop, so that it gets to reading as well. */
const PER_TURN = 512;

/** What a send loop works on. */
export interface SendLoop {
  readonly queue: SendQueue;
  /** Whether there is a connection to send on; the loop ends where there is none. */
  connected(): boolean;
  /** Is told when the socket failed. */
  fail(cause: unknown): void;
}

/** Sends what is queued from a client. Resolves when the queue is empty, or nothing can be sent any more. */
export async function sendToServer(socket: Dealer, { queue, connected, fail }: SendLoop): Promise<void> {
  for (let item = queue.peek(); item !== undefined && connected(); item = queue.peek()) {
    try {
      await socket.send(toServer(item.bytes));
    } catch (error) {
      if (socket.closed || isTryAgain(error)) {
        continue;
      }
      fail(error);
      return;
    }
    if (socket.closed) {
      return;
    }
    queue.shift();
    settle(item);
  }
}

/**
 * Sends what is queued from a server. Its socket never waits (`sendTimeout: 0`): a message is taken, or its peer is
 * not there. So no send has to be awaited before the next. Resolves as {@link sendToServer}.
 */
export async function sendToPeers(open: OpenSocket<Router>, { queue, connected, fail }: SendLoop): Promise<void> {
  let sent = 0;
  for (let item = queue.peek(); item !== undefined && connected(); item = queue.peek()) {
    queue.shift();
    sendToPeer(open, item, fail);
    sent += 1;
    if (sent % PER_TURN === 0) {
      await new Promise(setImmediate);
    }
  }
}

function sendToPeer({ socket, endpoint }: OpenSocket<Router>, item: Outgoing, fail: (cause: unknown) => void): void {
  socket.send(toPeer(item.peer, item.bytes)).then(
    () => settle(item),
    (cause: unknown) => {
      if (isNoSuchPeer(cause)) {
        settle(item, peerUnknown(endpoint, item.peer, cause));
      } else {
        settle(item, socketFailed(endpoint, cause));
        fail(cause);
      }
    },
  );
}
