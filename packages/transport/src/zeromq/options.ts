// The options of the ZeroMQ transports, checked and completed.

import { MultifrostError } from "@multifrost/protocol/errors";
import { invalidOption } from "@multifrost/protocol/internal";
import type { ChannelLimits } from "../channel.js";
import { formatTcpEndpoint, LOOPBACK, type TcpAddress } from "../endpoint.js";
import { resolveLimits } from "../limits.js";

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

/** Checks the options and fills in the defaults. Throws `MultifrostError` (`INVALID_OPTION`). */
export function planSocket(options: ZeromqOptions): SocketPlan {
  const { bind, connect } = options;
  if ((bind === undefined) === (connect === undefined)) {
    throw new MultifrostError("INVALID_OPTION", "Give exactly one of bind and connect.");
  }
  const action = bind === undefined ? "connect" : "bind";
  const { host = LOOPBACK, port = 0 } = bind ?? connect ?? {};
  checkPort(action, port);
  // ZeroMQ listens on addresses, not on names; this one name is common enough to translate.
  const address = action === "bind" && host === "localhost" ? LOOPBACK : host;
  return { action, endpoint: formatTcpEndpoint({ host: address, port }), limits: resolveLimits(options) };
}

function checkPort(action: "bind" | "connect", port: number): void {
  const lowest = action === "bind" ? 0 : 1;
  if (!Number.isInteger(port) || port < lowest || port > 65_535) {
    throw invalidOption(`${action}.port`, `an integer from ${lowest} to 65535`, port);
  }
}
