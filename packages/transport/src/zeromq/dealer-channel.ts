// The caller's end on ZeroMQ, a DEALER socket (step 6 of a call): bytes become [empty, payload].
// Next: router-channel.ts, at the other end of the connection.

import type { Dealer } from "zeromq";
import type { ChannelLimits, ClientChannel, ClientEvents } from "../channel.js";
import { payloadForClient } from "./frames.js";
import type { OpenSocket } from "./open-socket.js";
import { sendToServer } from "./send-loop.js";
import { socketChannel } from "./socket-channel.js";

/** Makes a client channel of an open DEALER. */
export function dealerChannel(
  open: OpenSocket<Dealer>,
  limits: Required<ChannelLimits>,
  events: ClientEvents,
): ClientChannel {
  const channel = socketChannel({
    open,
    limits,
    events,
    deliver(frames) {
      const bytes = payloadForClient(frames, limits.maxMessageBytes);
      if (typeof bytes === "string") {
        return bytes;
      }
      events.message(bytes);
      return undefined;
    },
    needsConnection: true,
    sendQueued: (loop) => sendToServer(open, loop),
  });
  return {
    endpoint: channel.endpoint,
    get queued() {
      return channel.queued;
    },
    send: (bytes, settled) => channel.push({ peer: "", bytes, settled }),
    close: channel.close,
  };
}
