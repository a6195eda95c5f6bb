// @procwire/core, with its codec for small values and its codec for raw bytes.

import { fileURLToPath } from "node:url";
import { msgpackCodec, rawCodec } from "@procwire/codecs";
import { Module, ModuleManager } from "@procwire/core";

const WORKER = fileURLToPath(new URL("./procwire.worker.mjs", import.meta.url));

export async function open() {
  const worker = new Module("bench")
    .executable(process.execPath, [WORKER])
    .method("add", { codec: msgpackCodec })
    .method("object", { codec: msgpackCodec })
    .method("wait", { codec: msgpackCodec })
    .method("echo", { codec: rawCodec });
  const manager = new ModuleManager();
  manager.register(worker);
  await manager.spawn();
  return {
    add: (a, b) => worker.send("add", { a, b }),
    object: (value) => worker.send("object", value),
    wait: () => worker.send("wait", {}),
    echo: (bytes) => worker.send("echo", Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
    close: () => manager.shutdown(),
  };
}
