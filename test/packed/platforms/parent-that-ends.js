// A parent that ends in the way its first argument says, with a live worker and a call in flight. Prints the worker's pid. The
// other arguments are the command that runs the worker's script.

import process from "node:process";
import { fileURLToPath } from "node:url";
import { ParentWorker } from "multifrost";

const [way, ...command] = process.argv.slice(2);
const worker = ParentWorker.spawn(fileURLToPath(new URL("./worker.js", import.meta.url)), command);
await worker.start();
worker.call.addSlowly(1, 2, 60_000).catch(() => {});
await worker.call.add(1, 2);
console.log(`worker ${worker.pid}`);
if (way === "exit") {
  process.exit(0);
}
if (way === "throw") {
  setTimeout(() => {
    throw new Error("the end of the parent");
  });
}
