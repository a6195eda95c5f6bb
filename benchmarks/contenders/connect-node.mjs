// connect-node with the Connect protocol over HTTP/2, the fastest of those it speaks. bench_pb.js is generated from bench.proto.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { Bench } from "./bench_pb.js";

const WORKER = fileURLToPath(new URL("./connect-node.worker.mjs", import.meta.url));

export async function open() {
  const child = spawn(process.execPath, [WORKER], { stdio: ["pipe", "pipe", "inherit"] });
  const [port] = await once(child.stdout, "data");
  const client = createClient(Bench, createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: "2" }));
  return {
    add: async (a, b) => (await client.add({ a, b })).sum,
    object: (value) => client.object(value),
    wait: () => client.wait({}),
    echo: async (bytes) => (await client.echo({ bytes })).bytes,
    async close() {
      child.kill();
      await once(child, "exit");
    },
  };
}
