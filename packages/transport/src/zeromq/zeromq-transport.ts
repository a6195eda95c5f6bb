// The two ZeroMQ transports. Importing this file loads no native code; opening a channel does.

import type { ChannelCapabilities, ClientTransport, ServerTransport } from "../channel.js";
import { requireDescriptors } from "./descriptors.js";
import { loadZeromq } from "./load-zeromq.js";
import { dealerOptions, openSocket, routerOptions } from "./open-socket.js";
import { planSocket, type ZeromqOptions } from "./options.js";
import { DealerChannel, RouterChannel } from "./zeromq-channel.js";

/**
 * The library reports connections without names. Urgent messages go ahead of those that wait in the channel, not of those that
 * the library has taken.
 */
const CAPABILITIES: ChannelCapabilities = { tellsPeersApart: false, urgent: true };

/**
 * The caller's end on ZeroMQ: a DEALER socket that binds (for a worker it starts) or connects (to a service).
 *
 * Throws `MultifrostError` (`INVALID_OPTION`). For the rejections of `open`, see {@link ClientTransport}.
 */
export function zeromqClient(options: ZeromqOptions): ClientTransport {
  const plan = planSocket("zeromqClient()", options);
  return {
    capabilities: CAPABILITIES,
    async open(events) {
      requireDescriptors(plan);
      const { Dealer } = await loadZeromq();
      const open = await openSocket(new Dealer(dealerOptions(plan)), plan);
      return new DealerChannel(open, plan.limits, events);
    },
  };
}

/**
 * The answering end on ZeroMQ: a ROUTER socket that binds (a service) or connects (to the parent that started it).
 *
 * Throws and rejects like {@link zeromqClient}.
 */
export function zeromqServer(options: ZeromqOptions): ServerTransport {
  const plan = planSocket("zeromqServer()", options);
  return {
    capabilities: CAPABILITIES,
    async open(events) {
      requireDescriptors(plan);
      const { Router } = await loadZeromq();
      const open = await openSocket(new Router(routerOptions(plan)), plan);
      return new RouterChannel(open, plan.limits, events);
    },
  };
}
