// The connection between the two processes of the probe, apart from the one that is measured: a line there, a line back.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

/** The parent's end: a port, and `ask()` when the child has connected. */
export async function listen() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const connected = once(server, "connection");
  return {
    port: server.address().port,
    async take() {
      const [socket] = await connected;
      socket.write("take\n");
      const [line] = await once(linesOf(socket), "line");
      return JSON.parse(line);
    },
    async close() {
      const [socket] = await connected;
      socket.end();
      server.close();
    },
  };
}

/** The child's end: answers each line with what `take()` returns. */
export function answer(port, take) {
  const socket = connect(port, "127.0.0.1");
  createInterface({ input: socket }).on("line", async () => {
    socket.write(`${JSON.stringify(await take())}\n`);
  });
}

const readers = new WeakMap();

function linesOf(socket) {
  const lines = readers.get(socket) ?? createInterface({ input: socket });
  readers.set(socket, lines);
  return lines;
}
