// Turns the events of a socket into connections gained and lost.

import type { Observer } from "zeromq";

/**
 * Yields `up` and `down` until the library has released the socket, which is after its last connection has ended.
 *
 * The events do not say which connection they are about. A disconnect during another connection's handshake counts as
 * the end of that one, so that a stranger who never completes a handshake cannot look like the loss of a peer.
 */
export async function* connectionChanges(observer: Observer): AsyncGenerator<"up" | "down"> {
  let handshaking = 0;
  let established = 0;
  while (!observer.closed) {
    const { type } = await observer.receive();
    if (type === "accept" || type === "connect") {
      handshaking += 1;
    } else if (type === "handshake") {
      handshaking -= 1;
      established += 1;
      yield "up";
    } else if (type === "disconnect" && (handshaking > 0 || established === 0)) {
      handshaking -= 1;
    } else if (type === "disconnect") {
      established -= 1;
      yield "down";
    } else if (type === "end") {
      return;
    }
  }
}
