// A worker thread of the same process. The caller keeps its bytes: they are copied there, and moved back.

import { Worker } from "node:worker_threads";
import { Answers } from "./answers.mjs";

export async function open() {
  const worker = new Worker(new URL("./worker-threads.worker.mjs", import.meta.url), { execArgv: [] });
  const answers = new Answers();
  worker.on("message", (message) => answers.arrived(message));
  const call = (method, ...args) => answers.to((id) => worker.postMessage({ id, method, args }));
  return {
    add: (a, b) => call("add", a, b),
    object: (value) => call("object", value),
    wait: () => call("wait"),
    echo: (bytes) => call("echo", bytes),
    close: () => worker.terminate(),
  };
}
