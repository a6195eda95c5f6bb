// A parent that waits to be killed. It writes `spawning`, then `ready` once its worker is idle, or busy and cannot answer any more.
//
//   node chaos/programs/parent.mjs typescript|python idle|busy

import { writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ParentWorker } from "multifrost/parent";

const [language, state] = process.argv.slice(2);
const script = fileURLToPath(new URL(language === "python" ? "./worker.py" : "./worker.mjs", import.meta.url));

const worker = ParentWorker.spawn(script, { logger: false });
writeSync(1, "spawning\n");
await worker.start();
if (state === "busy") {
  void worker.call.compute().catch(() => {});
  // Answered before the computation starts, as messages come in order.
  await new Promise((resolve) => setImmediate(resolve));
}
writeSync(1, "ready\n");
