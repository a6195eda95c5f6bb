// What an address of TCP must be.

import { NAME, type OptionRule, type OptionRules, rule } from "@multifrost/protocol/internal";
import type { TcpAddress } from "./endpoint.js";

/** A port from `lowest` to 65535. */
function portFrom(lowest: number): OptionRule {
  return rule(
    `an integer from ${lowest} to 65535`,
    (value) => Number.isInteger(value) && (value as number) >= lowest && (value as number) <= 65_535,
  );
}

/** To connect to: the port is needed. */
export const CONNECT_RULES: OptionRules<TcpAddress> = { host: NAME, port: portFrom(1) };

/** To listen on: the system chooses the port 0. */
export const BIND_RULES: OptionRules<TcpAddress> = { host: NAME, port: portFrom(0) };
