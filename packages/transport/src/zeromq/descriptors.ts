// Without file descriptors libzmq aborts the process: this is found out before it is used.

import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { unreachable } from "../unreachable.js";
import type { SocketPlan } from "./options.js";

/** What a first socket takes with its threads, 10, and some that connections and the library's file take. */
const NEEDED = 16;

/** Throws `ConnectionError` (`UNREACHABLE`) unless a socket can be opened. Takes less than a millisecond. */
export function requireDescriptors({ endpoint, action }: SocketPlan): void {
  const opened: number[] = [];
  try {
    while (opened.length < NEEDED) {
      opened.push(openSync(devNull, "r"));
    }
  } catch (cause) {
    throw unreachable(endpoint, action, cause);
  } finally {
    for (const descriptor of opened) {
      closeSync(descriptor);
    }
  }
}
