// workerpool with one worker thread, its default kind. It runs one task at a time and keeps the others waiting.

import { fileURLToPath } from "node:url";
import workerpool from "workerpool";

const WORKER = fileURLToPath(new URL("./workerpool.worker.mjs", import.meta.url));

export async function open() {
  const pool = workerpool.pool(WORKER, { minWorkers: 1, maxWorkers: 1, workerType: "thread" });
  return {
    add: (a, b) => pool.exec("add", [a, b]),
    object: (value) => pool.exec("object", [value]),
    echo: (bytes) => pool.exec("echo", [bytes]),
    close: () => pool.terminate(),
  };
}
