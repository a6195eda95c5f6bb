// A bare TCP echo: this end listens and writes as many bytes as a call has on the wire, a peer in any language connects and
// answers with as many as an answer has. Nothing is encoded, decoded or inspected.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

/** An empty frame with its header, and the header of a short payload: what ZMTP adds to a small message. */
const FRAMING_BYTES = 4;

/**
 * The command is that of the peer. Its arguments are the port to connect to, the bytes of a call and those of an answer; it ends
 * with its stdin.
 */
export async function connectTcpEcho([program, ...args], { call, answer }) {
  const [callBytes, answerBytes] = [call.length + FRAMING_BYTES, answer.length + FRAMING_BYTES];
  const server = createServer({ noDelay: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = spawn(program, [...args, `${server.address().port}`, `${callBytes}`, `${answerBytes}`], {
    stdio: ["pipe", "inherit", "inherit"],
  });
  const [socket] = await once(server, "connection");
  const question = Buffer.alloc(callBytes, 0xa5);
  let missing = 0;
  let done;
  socket.on("data", (chunk) => {
    missing -= chunk.length;
    if (missing === 0) {
      done();
    }
  });
  return {
    roundTrip: () =>
      new Promise((resolve) => {
        missing = answerBytes;
        done = resolve;
        socket.write(question);
      }),
    async close() {
      socket.destroy();
      server.close();
      peer.stdin.end();
      await once(peer, "exit");
    },
  };
}
