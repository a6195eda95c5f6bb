// The bare peer: a ROUTER that gives every message the same answer, which is the first message it got.
// Its argument is the endpoint to connect to. It ends when the process that started it lets go of it.

import { Router } from "zeromq";

process.once("disconnect", () => process.exit());

const router = new Router({ linger: 0 });
router.connect(process.argv[2]);

let answer;
for (;;) {
  const [peer, , payload] = await router.receive();
  answer ??= payload;
  await router.send([peer, null, answer]);
}
