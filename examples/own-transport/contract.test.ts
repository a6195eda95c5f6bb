// Runs the contract suite against this transport. Yours needs no more than this.

import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { type ContractSetup, testChannelContract } from "@multifrost/testing";
import { LOOPBACK, parseTcpEndpoint } from "@multifrost/transport";
import { netClient } from "./net-client.js";
import { netServer } from "./net-server.js";

const setup: ContractSetup = {
  createPair: (limits) => ({
    server: (endpoint) => netServer({ ...limits, port: portOf(endpoint) }),
    client: (endpoint) => netClient({ ...limits, port: portOf(endpoint) }),
  }),
  async openSilentPeer(endpoint) {
    const socket = connect(portOf(endpoint), LOOPBACK);
    await once(socket, "connect");
    socket.write(Uint8Array.of(0, 0, 0, 1, 42));
    return () => socket.destroy();
  },
};

testChannelContract("the example keeps the contract of a channel", setup, { describe, it });

function portOf(endpoint: string | undefined): number {
  return endpoint === undefined ? 0 : (parseTcpEndpoint(endpoint)?.port ?? 0);
}
