// The errors that every channel of this package raises in the same words.

import { ConnectionError } from "@multifrost/protocol/errors";
import type { Peer } from "./channel.js";

/** For a `send` after `close`, and for messages still queued when the channel closes. */
export function channelClosed(endpoint: string): ConnectionError {
  return new ConnectionError("CHANNEL_CLOSED", `The channel at ${endpoint} is closed; nothing more is sent on it.`, {
    endpoint,
  });
}

/** For a message to a peer that is not connected to the server channel. */
export function peerUnknown(endpoint: string, peer: Peer, cause?: unknown): ConnectionError {
  return new ConnectionError(
    "PEER_UNKNOWN",
    `No peer ${printable(peer)} is connected to ${endpoint}: it has left, or came back under a new name. ` +
      "The message was dropped.",
    { endpoint, cause },
  );
}

function printable(peer: Peer): string {
  return /^[\x21-\x7e]+$/.test(peer) ? peer : `0x${Buffer.from(peer, "latin1").toString("hex")}`;
}
