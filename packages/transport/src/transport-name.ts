// Which of the two network transports carries the messages.

import { invalidOption } from "@multifrost/protocol/internal";

/** Environment variable that chooses the transport where the option `transport` does not: `zmtp` or `zeromq`. */
export const TRANSPORT_VARIABLE = "MULTIFROST_TRANSPORT";

/**
 * A network transport. Both speak the protocol of ZeroMQ, so that either end may choose either.
 *
 * - `zmtp`: in TypeScript, without native code. Tells peers apart: a private worker has one guest.
 * - `zeromq`: the zeromq package, a native addon. Cannot tell peers apart, and does not work in worker threads, Bun and Deno.
 * - `auto`: what the environment variable `MULTIFROST_TRANSPORT` says, else the default, `zmtp`.
 */
export type TransportName = "auto" | "zmtp" | "zeromq";

const DEFAULT: Exclude<TransportName, "auto"> = "zmtp";

/** Resolves `auto`. Throws `MultifrostError` `INVALID_OPTION` for another name, also in the environment. */
export function chooseTransport(
  name: TransportName | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Exclude<TransportName, "auto"> {
  if (name !== undefined && name !== "auto") {
    return checkName("transport", name);
  }
  const fromEnvironment = env[TRANSPORT_VARIABLE];
  if (fromEnvironment === undefined || fromEnvironment === "" || fromEnvironment === "auto") {
    return DEFAULT;
  }
  return checkName(TRANSPORT_VARIABLE, fromEnvironment);
}

function checkName(option: string, name: string): Exclude<TransportName, "auto"> {
  if (name === "zmtp" || name === "zeromq") {
    return name;
  }
  throw invalidOption(option, "'auto', 'zmtp' or 'zeromq'", name);
}
