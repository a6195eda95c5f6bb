// vscode-jsonrpc over stdin and stdout, as language servers use it. Binary travels as base64.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from "vscode-jsonrpc/node";
import { fromBase64, toBase64 } from "./base64.mjs";

const WORKER = fileURLToPath(new URL("./vscode-jsonrpc.worker.mjs", import.meta.url));

export async function open() {
  const child = spawn(process.execPath, [WORKER], { stdio: ["pipe", "pipe", "inherit"] });
  const rpc = createMessageConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
  rpc.listen();
  return {
    add: (a, b) => rpc.sendRequest("add", a, b),
    object: (value) => rpc.sendRequest("object", value),
    wait: () => rpc.sendRequest("wait"),
    echo: async (bytes) => fromBase64(await rpc.sendRequest("echo", toBase64(bytes))),
    async close() {
      rpc.dispose();
      child.stdin.end();
      await once(child, "exit");
    },
  };
}
