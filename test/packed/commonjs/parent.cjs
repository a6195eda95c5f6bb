// CommonJS: `require` gives the very classes that `import` gives.

const assert = require("node:assert/strict");
const { join } = require("node:path");
const { ParentWorker, RemoteCallError } = require("multifrost");

async function main() {
  const worker = ParentWorker.spawn(join(__dirname, "worker.cjs"));
  await worker.start();
  assert.equal(await worker.call.upper("hello"), "HELLO");
  await assert.rejects(worker.call.upper(1), RemoteCallError);
  await worker.stop();
  assert.equal((await import("multifrost")).ParentWorker, ParentWorker);
  console.log("done");
}

main();
