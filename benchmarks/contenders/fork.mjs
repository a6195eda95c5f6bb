// child_process.fork, with its two ways to write messages. JSON has no binary: it travels as base64.

import { fork } from "node:child_process";
import { once } from "node:events";
import { Answers } from "./answers.mjs";

export async function open({ serialization }) {
  const child = fork(new URL("./fork.worker.mjs", import.meta.url), [serialization], { serialization, execArgv: [] });
  const answers = new Answers();
  child.on("message", (message) => answers.arrived(message));
  const call = (method, ...args) => answers.to((id) => child.send({ id, method, args }));
  const json = serialization === "json";
  return {
    pid: child.pid,
    add: (a, b) => call("add", a, b),
    object: (value) => call("object", value),
    async echo(bytes) {
      if (!json) {
        return call("echo", bytes);
      }
      return Buffer.from(
        await call("echo", Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64")),
        "base64",
      );
    },
    async close() {
      child.disconnect();
      await once(child, "exit");
    },
  };
}
