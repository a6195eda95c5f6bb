// child_process.fork, with its two ways to write messages. JSON has no binary: it travels as base64.

import { fork } from "node:child_process";
import { once } from "node:events";
import { Answers } from "./answers.mjs";
import { fromBase64, toBase64 } from "./base64.mjs";

export async function open({ serialization }) {
  const child = fork(new URL("./fork.worker.mjs", import.meta.url), [serialization], { serialization });
  const answers = new Answers();
  child.on("message", (message) => answers.arrived(message));
  const call = (method, ...args) => answers.to((id) => child.send({ id, method, args }));
  return {
    add: (a, b) => call("add", a, b),
    object: (value) => call("object", value),
    wait: () => call("wait"),
    echo:
      serialization === "json"
        ? async (bytes) => fromBase64(await call("echo", toBase64(bytes)))
        : (bytes) => call("echo", bytes),
    async close() {
      child.disconnect();
      await once(child, "exit");
    },
  };
}
