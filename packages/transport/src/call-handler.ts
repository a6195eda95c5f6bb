// The one way in which channels call functions of their users: events and `settled`.

import type { MultifrostError } from "@multifrost/protocol/errors";
import { rethrowLater } from "@multifrost/protocol/internal";
import type { Outgoing } from "./send-queue.js";

/** Tells a message's sender what became of it. */
export function settle({ settled }: Outgoing, error?: MultifrostError): void {
  if (settled === undefined) {
    return;
  }
  try {
    settled(error);
  } catch (thrown) {
    rethrowLater(thrown);
  }
}
