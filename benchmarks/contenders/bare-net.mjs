// node:net and nothing else: messages behind their length, in the order they were sent. All of one turn go in one write.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encoded } from "./encoded.mjs";
import { Frames } from "./frames.mjs";

const WORKER = fileURLToPath(new URL("./bare-net.worker.mjs", import.meta.url));

export async function open({ unix }) {
  const { call, answer } = encoded("add", [1, 2], 3);
  const server = createServer({ noDelay: true });
  const path = join(tmpdir(), `bare-net-${process.pid}-${performance.now()}`);
  await once(unix ? server.listen(path) : server.listen(0, "127.0.0.1"), "listening");
  const address = unix ? path : server.address().port;
  const child = spawn(process.execPath, [WORKER, address], { stdio: ["ignore", "inherit", "inherit"] });
  const [socket] = await once(server, "connection");
  server.close();
  const waiting = [];
  const frames = new Frames(socket, (bytes) => waiting.shift()(bytes));
  const roundTrip = (bytes) =>
    new Promise((resolve) => {
      waiting.push(resolve);
      frames.send(bytes);
    });
  // The first message tells the other end what it answers to small ones.
  await roundTrip(answer);
  return {
    add: async () => ((await roundTrip(call)).length === answer.length ? 3 : undefined),
    echo: roundTrip,
    async close() {
      socket.end();
      await once(child, "exit");
    },
  };
}
