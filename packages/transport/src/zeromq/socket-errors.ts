// The error codes of the native library, and the errors that channels raise for them.

import { ConnectionError } from "@multifrost/protocol/errors";
import { parseTcpEndpoint } from "../endpoint.js";

/** `EAGAIN`: no connection takes the message, or there is nothing to read. */
export function isTryAgain(error: unknown): boolean {
  return codeOf(error) === "EAGAIN";
}

/** `EHOSTUNREACH`: no peer with this name is connected. */
export function isNoSuchPeer(error: unknown): boolean {
  return codeOf(error) === "EHOSTUNREACH";
}

/** The socket cannot bind to or connect to its endpoint. */
export function unreachable(endpoint: string, action: "bind" | "connect", cause: unknown): ConnectionError {
  const how = action === "bind" ? "listen on" : "connect to";
  return new ConnectionError("UNREACHABLE", `Cannot ${how} ${endpoint}: ${reason(cause)}. ${advice(endpoint, cause)}`, {
    endpoint,
    cause,
  });
}

/** The connection broke while it was given the message. */
export function connectionLost(endpoint: string, cause: unknown): ConnectionError {
  const message = `The connection at ${endpoint} broke before a message was sent on it. The message was dropped.`;
  return new ConnectionError("CONNECTION_LOST", message, { endpoint, cause });
}

/** The socket broke; it sends and receives nothing more. */
export function socketFailed(endpoint: string, cause: unknown): ConnectionError {
  return new ConnectionError("CONNECTION_LOST", `The socket at ${endpoint} failed: ${reason(cause)}. Open a new one.`, {
    endpoint,
    cause,
  });
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : undefined;
}

function reason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = codeOf(cause);
  return code === undefined ? message : `${message} (${code})`;
}

function advice(endpoint: string, cause: unknown): string {
  const port = parseTcpEndpoint(endpoint)?.port;
  switch (codeOf(cause)) {
    case "EADDRINUSE":
      return `Another program has port ${port}: stop it, choose another port, or leave the port out to get a free one.`;
    case "EACCES":
      return `This user may not use port ${port}: choose one from 1024 on.`;
    case "EADDRNOTAVAIL":
    case "ENODEV":
      return "The host is not an address of this machine: use one that is, such as 127.0.0.1.";
    default:
      return "Check the host and the port.";
  }
}
