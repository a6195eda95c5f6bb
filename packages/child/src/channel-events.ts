// What the channel tells, and where it goes: messages to inbound.ts, connections to the watch on the parent and the log.

import { type Codec, type Message, MultifrostError } from "@multifrost/protocol";
import type { EventLog, RareEvent } from "@multifrost/reliability";
import type { Peer, ServerEvents } from "@multifrost/transport";
import type { CallRunner } from "./call/incoming-call.js";
import { createInbound } from "./inbound.js";
import type { ParentWatch } from "./parent-watch.js";
import type { Peers } from "./peers.js";
import type { StartMode } from "./start-mode.js";

/** What the handlers need from around them. */
export interface ChannelEventsOptions {
  readonly codec: Codec;
  readonly calls: CallRunner;
  readonly events: EventLog;
  readonly drops: RareEvent;
  readonly peers: Peers;
  readonly watch: ParentWatch | undefined;
  readonly mode: StartMode["kind"];
  /** Throws what the channel's `send` throws. */
  send(peer: Peer, bytes: Uint8Array): void;
  onShutdown(): void;
  onFailed(): void;
}

/** Makes the handlers. None of them throws. */
export function channelEvents(options: ChannelEventsOptions): ServerEvents {
  const { codec, calls, events, drops, peers, watch, mode } = options;
  const dropped = (reason: MultifrostError): void =>
    drops.emit({ message: reason.message, details: { reason: reason.code } });
  const reply = (peer: Peer, message: Message): void => {
    try {
      options.send(peer, codec.encode(message));
    } catch (error) {
      drops.emit({ message: "An answer could not be sent.", requestId: message.id, err: error });
    }
  };
  return {
    message: createInbound({ codec, calls, reply, seen: peers.seen, shutdown: options.onShutdown, dropped }),
    up() {
      watch?.connectionUp();
      events.emit("socket_connect");
    },
    down() {
      watch?.connectionDown();
      // For a service this is one parent of many taking its leave.
      events.emit("socket_disconnect", { details: { mode } }, "info");
    },
    dropped: (reason) =>
      dropped(new MultifrostError("MALFORMED_MESSAGE", `Something else than a message came: ${reason}.`)),
    failed(error) {
      events.emit("socket_disconnect", { message: "The channel failed for good.", err: error }, "error");
      options.onFailed();
    },
    peerGone: peers.gone,
  };
}
