// The channel's ups and downs as one object, for those who open a link: wait for the first connection, then hear of
// breaks. Used by spawn/open-by-spawn.ts, open-by-service.ts, open-by-transport.ts.

import type { MultifrostError } from "@multifrost/protocol";
import type { ClientEvents } from "@multifrost/transport";
import type { LinkEvents } from "./link.js";

/** What may follow the first connection. */
export interface AfterFirst {
  up(): void;
  down(): void;
  failed(error: MultifrostError): void;
}

/** A channel's events, with the first connection as a promise. */
export interface ConnectionSigns {
  readonly events: ClientEvents;
  /** Resolves at the first connection; rejects if the channel fails before. */
  readonly connected: Promise<void>;
  /** Whether there is a connection now. */
  readonly isUp: boolean;
}

/** Makes the events for a channel. Ups and downs before the first connection are nobody's concern. */
export function connectionSigns(link: LinkEvents, after: AfterFirst): ConnectionSigns {
  let first = true;
  let isUp = false;
  const { promise: connected, resolve, reject } = deferred();
  const events: ClientEvents = {
    message: (bytes) => link.message(bytes),
    dropped: (reason) => link.dropped(reason),
    up() {
      isUp = true;
      if (first) {
        first = false;
        resolve();
      } else {
        after.up();
      }
    },
    down() {
      isUp = false;
      if (!first) {
        after.down();
      }
    },
    failed(error) {
      reject(error);
      after.failed(error);
    },
  };
  return {
    events,
    connected,
    get isUp() {
      return isUp;
    },
  };
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Whoever no longer waits for it must not be told as an unhandled rejection.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
