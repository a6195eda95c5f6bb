// Parent and worker in one file, which is bundled before it runs: it starts itself as its worker.

import assert from "node:assert/strict";
import { ChildWorker, ParentWorker } from "multifrost";

class MathWorker extends ChildWorker {
  add(a, b) {
    return a + b;
  }

  addons() {
    return addons();
  }
}

if (process.env.COMLINK_WORKER_MODE === "1") {
  new MathWorker().run();
} else {
  main();
}

async function main() {
  const worker = ParentWorker.spawn(process.argv[1]);
  await worker.start();
  assert.equal(await worker.call.add(1, 2), 3);
  assert.deepEqual(await worker.call.addons(), []);
  assert.deepEqual(addons(), []);
  await worker.stop();
  console.log("done");
}

/** The native code that this process has loaded. */
function addons() {
  return process.report.getReport().sharedObjects.filter((path) => path.endsWith(".node"));
}
