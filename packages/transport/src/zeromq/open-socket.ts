// Takes a new socket to its endpoint, and lets it go.
// Next: socket-channel.ts, which makes a channel of it.

import type { Dealer, Observer, Router } from "zeromq";
import { unreachable } from "./socket-errors.js";
import type { SocketPlan } from "./socket-options.js";

/** A socket that is bound or connecting. */
export interface OpenSocket<S extends Dealer | Router = Dealer | Router> {
  readonly socket: S;
  /** Tells of its connections, and at last that it is gone. */
  readonly observer: Observer;
  readonly endpoint: string;
  /** How it got there. */
  readonly action: "bind" | "connect";
}

/** Binds or connects. Rejects with `ConnectionError` (`UNREACHABLE`), and has closed the socket then. */
export async function openSocket<S extends Dealer | Router>(socket: S, plan: SocketPlan): Promise<OpenSocket<S>> {
  try {
    // Observed from before the first connection, so that none is missed.
    const observer = socket.events;
    return { socket, observer, endpoint: await reach(socket, plan), action: plan.action };
  } catch (cause) {
    socket.close();
    throw unreachable(plan.endpoint, plan.action, cause);
  }
}

/**
 * Closes the socket and resolves when it is gone: its port is free again, and what was with the library is sent, or
 * is dropped after `lingerMs`.
 */
export async function releaseSocket(open: OpenSocket, lingerMs: number, gone: Promise<void>): Promise<void> {
  open.socket.linger = lingerMs;
  open.socket.close();
  await gone;
}

async function reach(socket: Dealer | Router, { action, endpoint }: SocketPlan): Promise<string> {
  if (action === "connect") {
    socket.connect(endpoint);
    return endpoint;
  }
  await socket.bind(endpoint.replace(/:0$/, ":*"));
  return socket.lastEndpoint ?? endpoint;
}
