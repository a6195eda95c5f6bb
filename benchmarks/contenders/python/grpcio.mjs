// A gRPC server on grpcio, called by grpc-js over TCP.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { credentials, loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const { benchmarks } = loadPackageDefinition(loadSync(path("./calculator.proto")));

export async function open({ server }) {
  const child = spawn("python3", [path("./grpc_server.py"), server], { stdio: ["pipe", "pipe", "inherit"] });
  const [port] = await once(createInterface({ input: child.stdout }), "line");
  const client = new benchmarks.Calculator(`127.0.0.1:${port}`, credentials.createInsecure());
  const add = promisify(client.add).bind(client);
  return {
    add: async (a, b) => (await add({ a, b })).value,
    async close() {
      client.close();
      child.stdin.end();
      await once(child, "exit");
    },
  };
}
