// The link in use: none, one, or the next. Here one is opened and let go of, and calls find the channel to go out on.
// Next: supervise.ts for what follows its end, worker-life.ts for who asks for it.

import { sendCall } from "./call/outgoing-call.js";
import type { PendingCall } from "./call/pending-calls.js";
import { watchHeld } from "./health/held-hint.js";
import type { Instruments } from "./instruments.js";
import type { LifeConfig } from "./life-config.js";
import type { LifeState } from "./life-state.js";
import type { LiveLinkEvents } from "./link-events.js";
import { type LiveLink, openLive } from "./live-link.js";

/** The link in use, if there is one. */
export interface Connection {
  readonly live: LiveLink | undefined;
  /** When the latest link was opened, on the monotonic clock, in milliseconds. */
  readonly liveSince: number;
  /** Opens a link; when that is proven, the state is `running` and calls that waited go out. Rejects as `openLive` does. */
  open(): Promise<void>;
  /** Lets go of the link. Resolves when every link there was is gone. Never rejects. */
  drop(): Promise<void>;
  /** Resolves when none is being opened. Never rejects. */
  opened(): Promise<void>;
  /** Hands a call to the channel. Throws `OverloadError`, `SerializationError`, `ConnectionError`. */
  send(call: PendingCall): void;
  /** Sends the calls that wait for a connection, in order. */
  sendWaiting(): void;
}

/** What a connection is made with. */
export interface ConnectionParts {
  readonly config: LifeConfig;
  readonly instruments: Instruments;
  readonly state: LifeState;
  readonly signal: AbortSignal;
  output(stream: "stdout" | "stderr", line: string): void;
  readonly tell: Omit<LiveLinkEvents, "live">;
}

/** Makes a connection that has no link. */
export function createConnection(parts: ConnectionParts): Connection {
  const { config, instruments, state, tell } = parts;
  const { pending, breaker, clock, events } = instruments;
  let live: LiveLink | undefined;
  let liveSince = 0;
  let held: { stop(): void } | undefined;
  let opening: Promise<void> = Promise.resolve();
  let dropped: Promise<unknown> = Promise.resolve();

  const onLive = (link: LiveLink): void => {
    live = link;
    liveSince = clock.now();
    held = watchHeld(pending, config.name, events);
    breaker.close("worker is back");
    state.set("running");
    connection.sendWaiting();
  };

  const connection: Connection = {
    get live() {
      return live;
    },
    get liveSince() {
      return liveSince;
    },
    async open() {
      const opened = openLive({ ...parts, tell: { ...tell, live: onLive } });
      opening = opened.catch(() => {});
      await opened;
    },
    async drop() {
      const gone = live?.drop();
      live = undefined;
      held?.stop();
      dropped = Promise.all([dropped, gone]);
      await dropped;
    },
    opened: () => opening,
    // Calls are sent while the worker runs, and then there is a link.
    send: ({ bytes }) => (live as LiveLink).link.channel.send(bytes),
    sendWaiting() {
      for (const call of pending.unsent()) {
        sendCall(call, { pending, send: connection.send });
      }
    },
  };
  return connection;
}
