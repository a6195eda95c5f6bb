// The options of the ZeroMQ transports, checked and completed.

import { MultifrostError } from "@multifrost/protocol/errors";
import { checkOptions, invalidOption, type OptionRule, rule } from "@multifrost/protocol/internal";
import type { ChannelLimits } from "../channel.js";
import { formatTcpEndpoint, LOOPBACK, type TcpAddress } from "../endpoint.js";
import { LIMIT_RULES, resolveLimits } from "../limits.js";
import { BIND_RULES, CONNECT_RULES } from "../tcp-rules.js";

/** Where to listen. */
export interface BindAddress {
  /** An address of this machine. Default: `127.0.0.1`. `0.0.0.0` admits the whole network: there is no authentication. */
  host?: string;
  /** 1 to 65535. Default: 0, which lets the system choose; read the port from the channel's `endpoint`. */
  port?: number;
}

/** Options of {@link zeromqClient} and {@link zeromqServer}: either `bind` or `connect`, and the bounds. */
export type ZeromqOptions = ChannelLimits &
  (
    | {
        /** Listen here; the other end connects. */
        bind: BindAddress;
        connect?: never;
      }
    | {
        /** Connect to where the other end listens. Retried until the channel is closed. */
        connect: TcpAddress;
        bind?: never;
      }
  );

/** The checked options. */
export interface SocketPlan {
  readonly action: "bind" | "connect";
  readonly endpoint: string;
  readonly limits: Required<ChannelLimits>;
}

const ADDRESS = rule(
  "an object with host and port",
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);

const RULES: Readonly<Record<string, OptionRule>> = { ...LIMIT_RULES, bind: ADDRESS, connect: ADDRESS };

/**
 * Checks the options and fills in the defaults. Throws `MultifrostError` (`INVALID_OPTION`).
 *
 * @param owner Named where an option is not known: `zeromqClient()`.
 */
export function planSocket(owner: string, options: ZeromqOptions): SocketPlan {
  checkOptions(owner, options, RULES);
  const { bind, connect } = options;
  if ((bind === undefined) === (connect === undefined)) {
    throw new MultifrostError("INVALID_OPTION", "Give exactly one of bind and connect.");
  }
  const action = bind === undefined ? "connect" : "bind";
  const { host = LOOPBACK, port = 0 } = bind ?? connect ?? {};
  checkOptions(action, bind ?? connect, action === "bind" ? BIND_RULES : CONNECT_RULES, { prefix: `${action}.` });
  if (action === "connect" && port === 0) {
    throw invalidOption("connect.port", CONNECT_RULES.port.wanted, connect?.port);
  }
  // ZeroMQ listens on addresses, not on names; this one name is common enough to translate.
  const address = action === "bind" && host === "localhost" ? LOOPBACK : host;
  return { action, endpoint: formatTcpEndpoint({ host: address, port }), limits: resolveLimits(options) };
}
