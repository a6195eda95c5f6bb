// The errors of ZMTP channels.

import { ConnectionError } from "@multifrost/protocol/errors";

/** For a message that was on its way to the system when the connection broke. */
export function connectionLost(endpoint: string): ConnectionError {
  const message = `The connection at ${endpoint} broke before a message was sent on it. The message was dropped.`;
  return new ConnectionError("CONNECTION_LOST", message, { endpoint });
}

/** The other end sent ERROR: connecting again is of no use. */
export function refusedByPeer(endpoint: string, reason: string): ConnectionError {
  return new ConnectionError("UNREACHABLE", `The other end at ${endpoint} refused this connection: ${reason}`, {
    endpoint,
  });
}
