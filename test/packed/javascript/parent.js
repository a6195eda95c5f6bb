// Plain JavaScript: a result, a remote error, a timeout, output, and an end that leaves nothing behind.

import assert from "node:assert/strict";
import { ParentWorker, RemoteCallError } from "multifrost";

const worker = ParentWorker.spawn(new URL("./worker.js", import.meta.url));
const lines = [];
worker.on("stdout", (line) => lines.push(line));
await worker.start();

assert.equal(await worker.call.add(1, 2), 3);
assert.equal(await worker.call.divide(1, 4), 0.25);
await assert.rejects(worker.call.divide(1, 0), (error) => {
  assert.ok(error instanceof RemoteCallError);
  assert.equal(error.remoteName, "RangeError");
  assert.match(error.message, /division by zero/);
  return true;
});
await assert.rejects(worker.call.nothing(), { code: "FUNCTION_NOT_FOUND" });
await worker.call.say("hello");
assert.deepEqual(lines, ["hello"]);

const { pid } = worker;
await worker.stop();
assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
console.log("done");
