// A TCP server that gives every small message the answer it was told first. Prints its port; ends with its stdin.

import { createServer } from "node:net";
import { Frames } from "./frames.mjs";

const server = createServer({ noDelay: true }, (socket) => {
  let answer;
  const frames = new Frames(socket, (bytes) => {
    answer ??= bytes;
    frames.send(answer);
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.once("end", () => process.exit()).resume();
