// Runs the contract suite, which users run on their transports, on every transport of this package.

import { testChannelContract } from "@multifrost/testing";
import { describe, it } from "vitest";
import { memory, zeromqClientBinds, zeromqServerBinds } from "./setups.js";
import { clientBinds, serverBinds } from "./zmtp-setups.js";

const implementations = {
  "in memory": memory,
  "ZeroMQ, the server binds": zeromqServerBinds,
  "ZeroMQ, the client binds": zeromqClientBinds,
  "ZMTP over TCP, the server binds": serverBinds("tcp"),
  "ZMTP over TCP, the client binds": clientBinds("tcp"),
  "ZMTP over a Unix socket, the server binds": serverBinds("unix"),
  "ZMTP over a Unix socket, the client binds": clientBinds("unix"),
};

for (const [title, setup] of Object.entries(implementations)) {
  testChannelContract(title, setup, { describe, it });
}
