// The other end of one contender: echoes every message. Arguments: kind, endpoint to connect to. Ends with its stdin.

import { zmtpServer } from "@multifrost/transport/zmtp";
import { Router } from "zeromq";

process.stdin.once("end", () => process.exit()).resume();

const [kind, endpoint] = process.argv.slice(2);
await (kind === "zeromq" ? echoOnZeromq() : echoOnZmtp());

async function echoOnZmtp() {
  const channel = await zmtpServer({ connect: addressOf(endpoint) }).open({
    up() {},
    down: () => process.exit(),
    dropped() {},
    failed: () => process.exit(1),
    peerGone() {},
    message: (peer, bytes) => channel.send(peer, bytes),
  });
}

async function echoOnZeromq() {
  const router = new Router({ linger: 0 });
  router.connect(endpoint);
  for (;;) {
    const [peer, , payload] = await router.receive();
    await router.send([peer, null, payload]);
  }
}

function addressOf(text) {
  return text.startsWith("ipc://") ? { path: text.slice(6) } : { port: Number(text.split(":")[2]) };
}
