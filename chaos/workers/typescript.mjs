// Answers calls, and notes each that it runs: `ID\n` in the file that its argument names.

import { openSync, writeSync } from "node:fs";
import { ChildWorker } from "multifrost/child";

const [notes, serviceId] = process.argv.slice(2);
const file = openSync(notes, "a");

class NotingWorker extends ChildWorker {
  /** Returns the id as a text that no other call has for an answer. */
  note(id) {
    writeSync(file, `${id}\n`);
    return `noted ${id}`;
  }
}

await new NotingWorker(serviceId).run();
