// birpc over child_process.fork. The messages are JSON, its fastest way for small ones; binary travels as base64.

import { fork } from "node:child_process";
import { once } from "node:events";
import { createBirpc } from "birpc";
import { fromBase64, toBase64 } from "./base64.mjs";

export async function open() {
  const child = fork(new URL("./birpc.worker.mjs", import.meta.url));
  const rpc = createBirpc({}, { post: (data) => child.send(data), on: (receive) => child.on("message", receive) });
  return {
    add: (a, b) => rpc.add(a, b),
    object: (value) => rpc.object(value),
    wait: () => rpc.wait(),
    echo: async (bytes) => fromBase64(await rpc.echo(toBase64(bytes))),
    async close() {
      child.disconnect();
      await once(child, "exit");
    },
  };
}
