// Reads what the socket tells of its connections: up, down, and that it is gone.

import type { OpenSocket } from "./open-socket.js";

/** How many turns of the event loop `down` waits at most for what had arrived before it. */
const MOST_TURNS = 100;

/** What is made of the socket's own events. */
export interface ConnectionWatcher {
  up(): void;
  down(): void;
  /** How many messages have arrived so far. */
  arrived(): number;
}

/** Reads events until the socket is gone, which is after its last connection is released; then it resolves. */
export async function watchConnections(open: OpenSocket, watcher: ConnectionWatcher): Promise<void> {
  const { observer } = open;
  // The events do not say which connection they are about. One that ends while another is in its first moments is
  // taken for that one, so that a stranger who never gets through the handshake cannot look like the loss of a peer.
  let nascent = 0;
  let established = 0;
  while (!observer.closed) {
    const { type } = await observer.receive();
    if (type === "accept" || type === "connect") {
      nascent += 1;
    } else if (type === "handshake") {
      nascent -= 1;
      established += 1;
      watcher.up();
    } else if (type === "disconnect" && (nascent > 0 || established === 0)) {
      nascent -= 1;
    } else if (type === "disconnect") {
      established -= 1;
      await arrivedMessages(open, watcher);
      watcher.down();
    } else if (type === "end") {
      return;
    }
  }
}

/**
 * Waits until what came before a disconnect is delivered: an answer that arrived must not count as lost. The socket is not
 * asked whether it is readable: the question takes away the one sign that a receive which is under way waits for.
 */
async function arrivedMessages({ socket }: OpenSocket, watcher: ConnectionWatcher): Promise<void> {
  for (let turn = 0; turn < MOST_TURNS; turn += 1) {
    const before = watcher.arrived();
    // The first ends the turn that the event came in; between the two everything that is there is read.
    await nextTurn();
    await nextTurn();
    if (socket.closed || watcher.arrived() === before) {
      return;
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
