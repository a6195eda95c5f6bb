// Runs the contract suite against this transport. Yours needs no more than this.

import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { LOOPBACK, parseTcpEndpoint } from "@multifrost/transport";
import { type ContractSetup, channelContract } from "@multifrost/transport/contract";
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

for (const { name, run } of channelContract(setup)) {
  test(name, run);
}

function portOf(endpoint: string | undefined): number {
  return endpoint === undefined ? 0 : (parseTcpEndpoint(endpoint)?.port ?? 0);
}
