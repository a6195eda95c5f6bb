// A ROUTER that gives every small message the answer that came first. Long ones go back as they are.

import { Router } from "zeromq";

process.stdin.once("end", () => process.exit()).resume();

const router = new Router({ linger: 0 });
router.connect(process.argv[2]);
let answer;
for (;;) {
  const [peer, , bytes] = await router.receive();
  answer ??= bytes;
  await router.send([peer, null, bytes.length < 1024 ? answer : bytes]);
}
