// The worker thread. It needs the bytes no more once they are sent back, so their buffer is moved instead of copied.

import { parentPort } from "node:worker_threads";
import { answer } from "./answers.mjs";
import { methods } from "./methods.mjs";

parentPort.on("message", async (message) => {
  const answered = await answer(methods, message);
  parentPort.postMessage(answered, answered.result instanceof Uint8Array ? [answered.result.buffer] : []);
});
