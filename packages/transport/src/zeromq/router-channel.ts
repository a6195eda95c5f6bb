// The answering end on ZeroMQ, a ROUTER socket (step 7 of a call): [peer, empty, payload] becomes peer and bytes.
// Next: the child's inbound.ts, which reads them. Answers go back the same way.

import type { Router } from "zeromq";
import type { ChannelLimits, ServerChannel, ServerEvents } from "../channel.js";
import { payloadForServer, senderOf } from "./frames.js";
import type { OpenSocket } from "./open-socket.js";
import { sendToPeers } from "./send-loop.js";
import { socketChannel } from "./socket-channel.js";

/** Makes a server channel of an open ROUTER. It never tells `peerGone`: ZeroMQ does not say whose connection ended. */
export function routerChannel(
  open: OpenSocket<Router>,
  limits: Required<ChannelLimits>,
  events: ServerEvents,
): ServerChannel {
  const channel = socketChannel({
    open,
    limits,
    events,
    deliver(frames) {
      const bytes = payloadForServer(frames, limits.maxMessageBytes);
      if (typeof bytes === "string") {
        return bytes;
      }
      events.message(senderOf(frames), bytes);
      return undefined;
    },
    // A bound server may have many connections, and each message its own: whether that one is up shows when it is sent.
    needsConnection: open.action === "connect",
    sendQueued: (loop) => sendToPeers(open, loop),
  });
  return {
    endpoint: channel.endpoint,
    get queued() {
      return channel.queued;
    },
    send: (peer, bytes, settled) => channel.push({ peer, bytes, settled }),
    close: channel.close,
  };
}
