// The bare peer: a ROUTER that gives every message the same answer, which is the first message it got.
// Its argument is the endpoint to connect to. It ends when its stdin ends, which is with its parent.

import { Router } from "zeromq";

process.stdin.once("end", () => process.exit()).resume();

const router = new Router({ linger: 0 });
router.connect(process.argv[2]);

let answer;
for (;;) {
  const [peer, , payload] = await router.receive();
  answer ??= payload;
  await router.send([peer, null, answer]);
}
