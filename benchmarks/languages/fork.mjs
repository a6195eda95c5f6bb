// What Node has for calling another process: child_process.fork, whose channel carries JSON. The same file is both ends.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

if (process.send !== undefined) {
  process.on("message", ({ id, args: [a, b] }) => process.send({ id, result: a + b }));
}

/** Starts the child; `add` resolves to the sum that it answers. */
export function startFork() {
  const child = fork(fileURLToPath(import.meta.url), { serialization: "json" });
  const pending = new Map();
  let lastId = 0;
  child.on("message", ({ id, result }) => {
    const resolve = pending.get(id);
    pending.delete(id);
    resolve(result);
  });
  return {
    add: (...args) =>
      new Promise((resolve) => {
        lastId += 1;
        pending.set(lastId, resolve);
        child.send({ id: lastId, function: "add", args });
      }),
    async close() {
      const exit = once(child, "exit");
      child.disconnect();
      await exit;
    },
  };
}
