// Setups of the contract suite for the transports of this package.

import type { ContractSetup } from "@multifrost/testing";
import { Dealer } from "zeromq";
import {
  type ChannelLimits,
  createMemoryTransport,
  parseTcpEndpoint,
  zeromqClient,
  zeromqServer,
} from "../src/index.js";

export const memory: ContractSetup = {
  createPair(limits) {
    const transport = createMemoryTransport(limits);
    return { server: () => transport.server, client: () => transport.client() };
  },
};

export const zeromqServerBinds: ContractSetup = {
  createPair: (limits) => ({
    server: (endpoint) => zeromqServer({ ...limits, bind: { port: portOf(endpoint) } }),
    client: (endpoint) => zeromqClient({ ...limits, connect: { port: portOf(endpoint) } }),
  }),
  async openSilentPeer(endpoint) {
    const socket = new Dealer({ linger: 0, receiveHighWaterMark: 1 });
    socket.connect(endpoint);
    await socket.send([null, Buffer.from([1])]);
    return () => socket.close();
  },
};

export const zeromqClientBinds: ContractSetup = {
  listens: "client",
  createPair: (limits: ChannelLimits) => ({
    client: (endpoint) => zeromqClient({ ...limits, bind: { port: portOf(endpoint) } }),
    server: (endpoint) => zeromqServer({ ...limits, connect: { port: portOf(endpoint) } }),
  }),
};

function portOf(endpoint: string | undefined): number {
  return endpoint === undefined ? 0 : (parseTcpEndpoint(endpoint)?.port ?? 0);
}
