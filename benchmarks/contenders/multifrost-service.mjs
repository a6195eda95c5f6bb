// Multifrost between a parent and a service that it found by name, every other option at its default.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFileRegistry } from "@multifrost/registry";
import { ParentWorker } from "multifrost";

const WORKER = fileURLToPath(new URL("./multifrost-service.worker.mjs", import.meta.url));

export async function open() {
  const service = await startService();
  const worker = await service.connect();
  return {
    add: (a, b) => worker.call.add(a, b),
    echo: (bytes) => worker.call.echo(bytes),
    object: (value) => worker.call.object(value),
    async close() {
      await worker.stop();
      await service.close();
    },
  };
}

/** A service, registered in a temporary folder; `connect()` makes a parent for it, any number of times. */
export async function startService() {
  const directory = mkdtempSync(join(tmpdir(), "multifrost-bench-"));
  const registry = createFileRegistry({ directory });
  const child = spawn(process.execPath, [WORKER, directory], { stdio: ["pipe", "inherit", "inherit"] });
  return {
    pid: child.pid,
    async connect() {
      const worker = await ParentWorker.connect("bench", { registry });
      await worker.start();
      return worker;
    },
    async close() {
      child.stdin.end();
      await once(child, "exit");
      rmSync(directory, { recursive: true });
    },
  };
}
