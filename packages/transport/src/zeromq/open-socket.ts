// Socket settings, and how a new socket gets to its endpoint.

import type { Dealer, Observer, Router, SocketOptions } from "zeromq";
import { unreachable } from "../unreachable.js";
import type { SocketPlan } from "./options.js";

/** A socket that is bound or connecting. */
export interface OpenSocket {
  readonly socket: Dealer | Router;
  /** Reports connections and disconnections, and at last the end of the socket. */
  readonly observer: Observer;
  readonly endpoint: string;
  readonly action: "bind" | "connect";
}

/**
 * Settings of a client's socket. No high-water marks: a full one delays other peers or loses messages; the send queue
 * bounds memory instead. No linger except what `close` sets. With a send timeout of 0 a send never blocks: it is done at
 * once, or fails with `EAGAIN`.
 */
export function dealerOptions({ endpoint, limits }: SocketPlan): SocketOptions<Dealer> {
  return {
    sendHighWaterMark: 0,
    receiveHighWaterMark: 0,
    linger: 0,
    sendTimeout: 0,
    maxMessageSize: limits.maxMessageBytes,
    ipv6: endpoint.includes("["),
  };
}

/**
 * Settings of a server's socket: those of a client's, except that a send to a peer that is not connected fails
 * (`mandatory`), and that a server that connects accepts messages of any size. ZeroMQ ends the connection on which an
 * oversized message arrives, and the end that connected does not reconnect after that. Such a server has one peer, the
 * parent that started it, so the channel checks the size itself.
 */
export function routerOptions(plan: SocketPlan): SocketOptions<Router> {
  const options = { ...dealerOptions(plan), mandatory: true };
  return plan.action === "bind" ? options : { ...options, maxMessageSize: -1 };
}

/** Binds or connects. Rejects with `ConnectionError` (`UNREACHABLE`) after closing the socket. */
export async function openSocket(socket: Dealer | Router, plan: SocketPlan): Promise<OpenSocket> {
  try {
    // The observer exists before the first connection, so it misses none.
    const observer = socket.events;
    return { socket, observer, endpoint: await reach(socket, plan), action: plan.action };
  } catch (cause) {
    socket.close();
    throw unreachable(plan.endpoint, plan.action, cause);
  }
}

async function reach(socket: Dealer | Router, { action, endpoint }: SocketPlan): Promise<string> {
  if (action === "connect") {
    socket.connect(endpoint);
    return endpoint;
  }
  await socket.bind(endpoint.replace(/:0$/, ":*"));
  return socket.lastEndpoint ?? endpoint;
}
