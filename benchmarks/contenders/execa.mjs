// execa's IPC: messages in both directions, which its user matches.

import { fileURLToPath } from "node:url";
import { execaNode } from "execa";
import { Answers } from "./answers.mjs";

export async function open() {
  const subprocess = execaNode(fileURLToPath(new URL("./execa.worker.mjs", import.meta.url)), { ipc: true });
  const answers = new Answers();
  const receiving = receiveAll();
  async function receiveAll() {
    for await (const message of subprocess.getEachMessage()) {
      answers.arrived(message);
    }
  }
  const call = (method, ...args) => answers.to((id) => subprocess.sendMessage({ id, method, args }));
  return {
    add: (a, b) => call("add", a, b),
    object: (value) => call("object", value),
    wait: () => call("wait"),
    echo: (bytes) => call("echo", bytes),
    async close() {
      subprocess.kill();
      await subprocess.catch(() => {});
      await receiving.catch(() => {});
    },
  };
}
