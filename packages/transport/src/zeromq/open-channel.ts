// Where a ZeroMQ channel begins: options in, transport out; the socket is made when it is opened.
// Next: open-socket.ts, then dealer-channel.ts or router-channel.ts.

import type { ClientTransport, ServerTransport } from "../channel.js";
import { dealerChannel } from "./dealer-channel.js";
import { loadZeromq } from "./load-zeromq.js";
import { openSocket } from "./open-socket.js";
import { routerChannel } from "./router-channel.js";
import { commonOptions, planSocket, serverOptions, type ZeromqOptions } from "./socket-options.js";

/**
 * The caller's end on ZeroMQ: a DEALER that binds (for a worker it starts) or connects (to a service).
 *
 * Throws `MultifrostError` (`INVALID_OPTION`). For what `open` rejects with, see {@link ClientTransport}.
 */
export function zeromqClient(options: ZeromqOptions): ClientTransport {
  const plan = planSocket(options);
  return {
    async open(events) {
      const { Dealer } = await loadZeromq();
      const socket = new Dealer({ ...commonOptions(plan), sendTimeout: 0 });
      return dealerChannel(await openSocket(socket, plan), plan.limits, events);
    },
  };
}

/**
 * The answering end on ZeroMQ: a ROUTER that binds (a service) or connects (to the parent that started it).
 *
 * Throws and rejects as {@link zeromqClient}.
 */
export function zeromqServer(options: ZeromqOptions): ServerTransport {
  const plan = planSocket(options);
  return {
    async open(events) {
      const { Router } = await loadZeromq();
      // With both, a send to a peer that is not there fails at once, and says so.
      const socket = new Router({ ...serverOptions(plan), mandatory: true, sendTimeout: 0 });
      return routerChannel(await openSocket(socket, plan), plan.limits, events);
    },
  };
}
