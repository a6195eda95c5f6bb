// What a parent and the process it spawns must agree on.

import { MultifrostError } from "../errors/index.js";

/** Environment variable with the port that a spawned child connects to. */
export const PORT_VARIABLE = "COMLINK_ZMQ_PORT";

/** Environment variable that is `1` in a spawned child. */
export const WORKER_MODE_VARIABLE = "COMLINK_WORKER_MODE";

/**
 * Environment variable with the private endpoint of a parent, such as `ipc:///tmp/mf-abc/s`, for a child that can connect to
 * it. The port is served as well, for children that only know that.
 */
export const ENDPOINT_VARIABLE = "MULTIFROST_ENDPOINT";

/** Environment variable with the secret by which a child proves to its parent that it is the one that was spawned. */
export const TOKEN_VARIABLE = "MULTIFROST_TOKEN";

/** Everything that a parent puts into a child's environment. The child removes it, so that no other process inherits it. */
export const SPAWN_VARIABLES: readonly string[] = [
  PORT_VARIABLE,
  WORKER_MODE_VARIABLE,
  ENDPOINT_VARIABLE,
  TOKEN_VARIABLE,
];

/** The property of a connection that carries the token. */
export const TOKEN_PROPERTY = "X-Token";

/**
 * Property under which a child that forwards its output keeps a stream's real `write`. A parent in the same process
 * prints through it, so that what it prints is not forwarded again.
 */
export const UNFORWARDED_WRITE: unique symbol = Symbol.for("multifrost.unforwardedWrite");

/**
 * Reads the port from a spawned child's environment.
 *
 * Throws `MultifrostError` `INVALID_PORT` for anything but a whole number from 1024 to 65535.
 */
export function parsePort(text: string): number {
  const port = /^\d{4,5}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (port >= 1024 && port <= 65_535) {
    return port;
  }
  throw new MultifrostError(
    "INVALID_PORT",
    `${PORT_VARIABLE} is ${JSON.stringify(text)}, which is not a port: it must be a whole number from 1024 to 65535. ` +
      "The parent sets it when it spawns a worker; unset it to run this one as a service.",
  );
}
