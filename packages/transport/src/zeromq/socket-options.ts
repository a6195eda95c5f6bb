// What a user may say about a ZeroMQ channel, and what the sockets are told in consequence.
// Next: open-socket.ts, which makes one.

import { MultifrostError } from "@multifrost/protocol/errors";
import type { ChannelLimits } from "../channel.js";
import { formatTcpEndpoint, LOOPBACK, type TcpAddress } from "../endpoint.js";
import { resolveLimits } from "../limits.js";

/** Where to listen. */
export interface BindAddress {
  /** An address of this machine. Default: `127.0.0.1`. `0.0.0.0` lets in everybody: there is no authentication. */
  host?: string;
  /** 1 to 65535. Default: 0, the system chooses; the channel's `endpoint` then tells which. */
  port?: number;
}

/** Options of {@link zeromqClient} and {@link zeromqServer}: either `bind` or `connect`, and the bounds. */
export type ZeromqOptions = ChannelLimits &
  (
    | {
        /** Listen here and be found by the other end. */
        bind: BindAddress;
        connect?: never;
      }
    | {
        /** Go to where the other end listens. Tried again for ever until the channel is closed. */
        connect: TcpAddress;
        bind?: never;
      }
  );

/** The options, checked and with their defaults. */
export interface SocketPlan {
  readonly action: "bind" | "connect";
  readonly endpoint: string;
  readonly limits: Required<ChannelLimits>;
}

/** Checks options. Throws `MultifrostError` (`INVALID_OPTION`). */
export function planSocket(options: ZeromqOptions): SocketPlan {
  const { bind, connect } = options;
  if ((bind === undefined) === (connect === undefined)) {
    throw invalid("Give exactly one of bind and connect.");
  }
  const action = bind === undefined ? "connect" : "bind";
  const { host = LOOPBACK, port = 0 } = bind ?? connect ?? {};
  checkPort(action, port);
  // A name cannot be listened on, only an address; this one name is too usual to refuse.
  const address = bind !== undefined && host === "localhost" ? LOOPBACK : host;
  return { action, endpoint: formatTcpEndpoint({ host: address, port }), limits: resolveLimits(options) };
}

/**
 * What both kinds of socket are told. No high-water marks, since a full one would hold up other peers or lose
 * messages; memory is bounded by our own queue. No linger but what `close` asks for.
 */
export function commonOptions(plan: SocketPlan): CommonOptions {
  return {
    sendHighWaterMark: 0,
    receiveHighWaterMark: 0,
    linger: 0,
    maxMessageSize: plan.limits.maxMessageBytes,
    ipv6: plan.endpoint.includes("["),
  };
}

/**
 * What a server's socket is told besides. ZeroMQ ends a connection on which something too large comes, and an end that
 * has connected does not connect again after that. A server that connects has one peer, who has started it: there the
 * socket has no limit, and the channel looks at the size itself (frames.ts).
 */
export function serverOptions(plan: SocketPlan): CommonOptions {
  return plan.action === "bind" ? commonOptions(plan) : { ...commonOptions(plan), maxMessageSize: -1 };
}

/** See {@link commonOptions}. */
export interface CommonOptions {
  sendHighWaterMark: number;
  receiveHighWaterMark: number;
  linger: number;
  maxMessageSize: number;
  ipv6: boolean;
}

function checkPort(action: "bind" | "connect", port: number): void {
  const lowest = action === "bind" ? 0 : 1;
  if (!Number.isInteger(port) || port < lowest || port > 65_535) {
    throw invalid(`${action}.port must be an integer from ${lowest} to 65535, not ${String(port)}.`);
  }
}

function invalid(message: string): MultifrostError {
  return new MultifrostError("INVALID_OPTION", message);
}
