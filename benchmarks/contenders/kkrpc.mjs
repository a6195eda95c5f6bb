// kkrpc over stdin and stdout. Plain JSON is faster than its default, superjson; binary travels as base64.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { NodeIo, RPCChannel } from "kkrpc";
import { fromBase64, toBase64 } from "./base64.mjs";

const WORKER = fileURLToPath(new URL("./kkrpc.worker.mjs", import.meta.url));

export async function open() {
  const child = spawn(process.execPath, [WORKER], { stdio: ["pipe", "pipe", "inherit"] });
  const api = new RPCChannel(new NodeIo(child.stdout, child.stdin), { serialization: { version: "json" } }).getAPI();
  return {
    add: (a, b) => api.add(a, b),
    object: (value) => api.object(value),
    wait: () => api.wait(),
    echo: async (bytes) => fromBase64(await api.echo(toBase64(bytes))),
    async close() {
      child.kill();
      await once(child, "exit");
    },
  };
}
