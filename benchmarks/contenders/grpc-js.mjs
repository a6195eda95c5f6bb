// grpc-js over TCP, with proto-loader. The limit on messages is raised for the large ones.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import { Bench, LIMITS } from "./grpc-js.service.mjs";

const WORKER = fileURLToPath(new URL("./grpc-js.worker.mjs", import.meta.url));

export async function open() {
  const child = spawn(process.execPath, [WORKER], { stdio: ["pipe", "pipe", "inherit"] });
  const [port] = await once(child.stdout, "data");
  const client = new Bench(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), LIMITS);
  const method = (name) => promisify(client[name]).bind(client);
  const [add, object, echo, wait] = ["add", "object", "echo", "wait"].map(method);
  return {
    add: async (a, b) => (await add({ a, b })).sum,
    object,
    wait: () => wait({}),
    echo: async (bytes) => (await echo({ bytes })).bytes,
    async close() {
      client.close();
      child.stdin.end();
      await once(child, "exit");
    },
  };
}
