// The two ZMTP transports.

import type { Socket } from "node:net";
import type { ChannelCapabilities, ClientTransport, ConnectionEvents, ServerTransport } from "../channel.js";
import { unreachable } from "../unreachable.js";
import { formatEndpoint } from "./addresses.js";
import { Listener } from "./listener.js";
import { planZmtp, type ZmtpOptions, type ZmtpPlan } from "./options.js";
import type { ZmtpChannel } from "./zmtp-channel.js";
import { ZmtpClient } from "./zmtp-client.js";
import { ZmtpServer } from "./zmtp-server.js";

const CAPABILITIES: ChannelCapabilities = { tellsPeersApart: true, urgent: true };

/**
 * The caller's end: speaks ZMTP, the protocol of ZeroMQ, over TCP or a Unix socket, without native code. A DEALER that binds
 * (for a worker it starts) or connects (to a service). Any ZeroMQ ROUTER can be at the other end.
 *
 * Throws `MultifrostError` (`INVALID_OPTION`). For the rejections of `open`, see {@link ClientTransport}.
 */
export function zmtpClient(options: ZmtpOptions): ClientTransport {
  const plan = planZmtp("DEALER", options);
  return {
    capabilities: CAPABILITIES,
    open: (events) => openChannel(plan, ZmtpClient, events),
  };
}

/**
 * The answering end: a ROUTER that binds (a service) or connects (to the parent that started it). Any ZeroMQ DEALER or REQ
 * can be at the other end.
 *
 * Throws and rejects like {@link zmtpClient}.
 */
export function zmtpServer(options: ZmtpOptions): ServerTransport {
  const plan = planZmtp("ROUTER", options);
  return {
    capabilities: CAPABILITIES,
    open: (events) => openChannel(plan, ZmtpServer, events),
  };
}

async function openChannel<E extends ConnectionEvents, C extends ZmtpChannel>(
  plan: ZmtpPlan,
  Kind: new (plan: ZmtpPlan, listeners: readonly Listener[], events: E) => C,
  events: E,
): Promise<C> {
  const listeners: Listener[] = [];
  // Connections that come before every place is open wait: no event comes before `open` resolves.
  const early: Socket[] = [];
  let take = (socket: Socket): void => void early.push(socket);
  for (const place of plan.listenOn) {
    try {
      listeners.push(await Listener.open(place, (socket) => take(socket)));
    } catch (cause) {
      for (const socket of early) {
        socket.destroy();
      }
      await Promise.all(listeners.map((listener) => listener.close()));
      throw unreachable("private" in place ? "a private socket" : formatEndpoint(place), "bind", cause);
    }
  }
  const channel = new Kind(plan, listeners, events);
  take = (socket) => channel.take(socket);
  for (const socket of early) {
    channel.take(socket);
  }
  channel.start();
  return channel;
}
