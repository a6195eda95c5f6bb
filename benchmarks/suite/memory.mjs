// Memory of this process and of others.

import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/** What JavaScript uses here after garbage was collected, in bytes: the heap, and buffers outside of it. */
export function memory() {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What the system has given a process, in bytes. Linux only; NaN elsewhere. */
export function residentBytes(pid) {
  if (process.platform !== "linux") {
    return Number.NaN;
  }
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;
}
