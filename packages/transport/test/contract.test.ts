// Runs the contract suite, which users run on their transports, on every transport of this package.

import { channelContract } from "@multifrost/transport/contract";
import { describe, it } from "vitest";
import { memory, zeromqClientBinds, zeromqServerBinds } from "./setups.js";

const implementations = {
  "in memory": memory,
  "ZeroMQ, the server binds": zeromqServerBinds,
  "ZeroMQ, the client binds": zeromqClientBinds,
};

for (const [title, setup] of Object.entries(implementations)) {
  describe(title, () => {
    for (const { name, run } of channelContract(setup)) {
      it(name, run);
    }
  });
}
