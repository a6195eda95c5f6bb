// The error codes of the native library, and the errors that channels raise for them.

import { ConnectionError } from "@multifrost/protocol/errors";
import { codeOf, reasonOf } from "../unreachable.js";

/** `EAGAIN`: no connection takes the message, or there is nothing to read. */
export function isTryAgain(error: unknown): boolean {
  return codeOf(error) === "EAGAIN";
}

/** `EHOSTUNREACH`: no peer with this name is connected. */
export function isNoSuchPeer(error: unknown): boolean {
  return codeOf(error) === "EHOSTUNREACH";
}

/** The connection broke while it was given the message. */
export function connectionLost(endpoint: string, cause: unknown): ConnectionError {
  const message = `The connection at ${endpoint} broke before a message was sent on it. The message was dropped.`;
  return new ConnectionError("CONNECTION_LOST", message, { endpoint, cause });
}

/** The socket broke; it sends and receives nothing more. */
export function socketFailed(endpoint: string, cause: unknown): ConnectionError {
  return new ConnectionError(
    "CONNECTION_LOST",
    `The socket at ${endpoint} failed: ${reasonOf(cause)}. Open a new one.`,
    {
      endpoint,
      cause,
    },
  );
}
