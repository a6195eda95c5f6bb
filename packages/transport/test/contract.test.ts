// Every implementation of this package against the suite that users run on their own.

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
