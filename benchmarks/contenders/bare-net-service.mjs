// node:net and nothing else: one server, any number of sockets, each with messages behind their length.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { encoded } from "./encoded.mjs";
import { Frames } from "./frames.mjs";

const WORKER = fileURLToPath(new URL("./bare-net-service.worker.mjs", import.meta.url));

/** A server; `connect()` makes a socket to it, any number of times. */
export async function startBareService() {
  const child = spawn(process.execPath, [WORKER], { stdio: ["pipe", "pipe", "inherit"] });
  const [port] = await once(child.stdout.setEncoding("utf8"), "data");
  const { call, answer } = encoded("add", [1, 2], 3);
  const sockets = [];
  return {
    async connect() {
      const socket = connect({ port: Number(port), host: "127.0.0.1", noDelay: true });
      sockets.push(socket);
      const waiting = [];
      const frames = new Frames(socket, () => waiting.shift()());
      const roundTrip = (bytes) =>
        new Promise((resolve) => {
          waiting.push(resolve);
          frames.send(bytes);
        });
      await roundTrip(answer);
      return { add: () => roundTrip(call) };
    },
    async close() {
      for (const socket of sockets) {
        socket.destroy();
      }
      child.stdin.end();
      await once(child, "exit");
    },
  };
}
