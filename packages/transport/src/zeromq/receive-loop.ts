// Reads a socket until it is closed: one message after the other, each handed on before the next is asked for.
// The waiting loop refers to its socket. That matters: a socket that only its own pending receive knows of is closed by
// the garbage collector.

import type { Dealer, Router } from "zeromq";
import { isTryAgain } from "./socket-errors.js";

/** Hands on every message's frames. Resolves when the socket is closed, rejects when it fails. */
export async function receiveLoop(
  socket: Dealer | Router,
  deliver: (frames: readonly Buffer[]) => void,
): Promise<void> {
  while (!socket.closed) {
    let frames: readonly Buffer[];
    try {
      frames = await socket.receive();
    } catch (error) {
      // Closing ends a pending receive with the code of a timeout: which of them it was shows above.
      if (socket.closed || isTryAgain(error)) {
        continue;
      }
      throw error;
    }
    deliver(frames);
  }
}
