// Hands what is queued to a socket, and tells what became of it (step 6 of a call, and step 11 on its way back).
// Called by outbox.ts, once in a turn of the event loop.

import type { Dealer, Router } from "zeromq";
import { settle } from "../call-handler.js";
import { channelClosed, peerUnknown } from "../channel-errors.js";
import type { Outgoing, SendQueue } from "../send-queue.js";
import { toPeer, toServer } from "./frames.js";
import type { OpenSocket } from "./open-socket.js";
import { connectionLost, isNoSuchPeer, isTryAgain, socketFailed } from "./socket-errors.js";

/** How many messages are sent in one turn of the event loop, so that it gets to reading as well. */
const PER_TURN = 512;

/** What a send loop works on. */
export interface SendLoop {
  readonly queue: SendQueue;
  /** Whether there is a connection to send on. */
  connected(): boolean;
  /** Whether the socket was found writable since the latest connection came up; asked once for each. */
  reached(isWritable: () => boolean): boolean;
  /** Is told when the socket failed. */
  fail(cause: unknown): void;
}

/**
 * Sends from a client. A connection that was told of a moment ago may not have reached the socket, which is seen before
 * anything is given to it. (Asking a socket whether it is writable takes away the sign that a pending receive waits for;
 * the send that follows gives it back.)
 */
export function sendToServer(open: OpenSocket<Dealer>, loop: SendLoop): void {
  if (loop.reached(() => open.socket.writable)) {
    sendSome(loop, (item) => handOver(open, item, () => open.socket.send(toServer(item.bytes)), loop.fail));
  }
}

/** Sends from a server. */
export function sendToPeers(open: OpenSocket<Router>, loop: SendLoop): void {
  sendSome(loop, (item) => handOver(open, item, () => open.socket.send(toPeer(item.peer, item.bytes)), loop.fail));
}

function sendSome({ queue, connected }: SendLoop, send: (item: Outgoing) => void): void {
  let item = queue.shift();
  for (let sent = 1; item !== undefined; sent += 1) {
    send(item);
    item = sent < PER_TURN && connected() ? queue.shift() : undefined;
  }
}

/**
 * A socket here never waits (`sendTimeout: 0`): a message is taken at once, or its peer is not there. So no send has to
 * be awaited before the next.
 */
function handOver(open: OpenSocket, item: Outgoing, send: () => Promise<void>, fail: (cause: unknown) => void): void {
  attempt(send).then(
    // Most have nobody to tell.
    item.settled === undefined ? undefined : () => settle(item),
    (cause: unknown) => refused(open, item, cause, fail),
  );
}

/** Some of its errors the library throws instead of rejecting, such as that the socket is closed. */
function attempt(send: () => Promise<void>): Promise<void> {
  try {
    return send();
  } catch (cause) {
    return Promise.reject(cause);
  }
}

function refused(
  { socket, endpoint }: OpenSocket,
  item: Outgoing,
  cause: unknown,
  fail: (cause: unknown) => void,
): void {
  if (isNoSuchPeer(cause)) {
    settle(item, peerUnknown(endpoint, item.peer, cause));
  } else if (socket.closed) {
    settle(item, channelClosed(endpoint));
  } else if (isTryAgain(cause)) {
    settle(item, connectionLost(endpoint, cause));
  } else {
    settle(item, socketFailed(endpoint, cause));
    fail(cause);
  }
}
