// The error for an endpoint that cannot be used.

import { ConnectionError } from "@multifrost/protocol/errors";
import { parseTcpEndpoint } from "./endpoint.js";

/** The socket cannot bind to or connect to its endpoint. */
export function unreachable(endpoint: string, action: "bind" | "connect", cause: unknown): ConnectionError {
  const how = action === "bind" ? "listen on" : "connect to";
  return new ConnectionError(
    "UNREACHABLE",
    `Cannot ${how} ${endpoint}: ${reasonOf(cause)}. ${advice(endpoint, cause)}`,
    {
      endpoint,
      cause,
    },
  );
}

/** What to do where the system gives this process no more files or sockets. */
export const NO_DESCRIPTORS =
  "No file descriptors are left: raise `ulimit -n`, or look for files and sockets that this process does not close.";

/** The code of a system error. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** The text of an error, with its code. */
export function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = codeOf(cause);
  return code === undefined ? message : `${message} (${code})`;
}

function advice(endpoint: string, cause: unknown): string {
  if (codeOf(cause) === "EMFILE" || codeOf(cause) === "ENFILE") {
    return NO_DESCRIPTORS;
  }
  const port = parseTcpEndpoint(endpoint)?.port;
  if (port === undefined) {
    return codeOf(cause) === "EADDRINUSE"
      ? "Another program listens there, or the file is no socket: choose another path."
      : "Check that its directory exists and that this user may write to it.";
  }
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
