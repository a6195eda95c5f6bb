// The one way in which channels call functions of their users: events and `settled`.

import type { MultifrostError } from "@multifrost/protocol/errors";
import type { Outgoing } from "./send-queue.js";

/** Makes an error thrown by a user's function an uncaught exception, so that the channel itself goes on. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** Calls a user's function; what it throws becomes an uncaught exception. */
export function callHandler(handler: () => void): void {
  try {
    handler();
  } catch (error) {
    throwLater(error);
  }
}

/** Tells a message's sender what became of it. */
export function settle({ settled }: Outgoing, error?: MultifrostError): void {
  if (settled === undefined) {
    return;
  }
  try {
    settled(error);
  } catch (thrown) {
    throwLater(thrown);
  }
}
