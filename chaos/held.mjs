// What a process holds: memory after a collection, descriptors, timers and others of the event loop, and listeners.

import { readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/** @param emitters - Whose listeners count, besides those of the process. */
export function held(emitters = []) {
  // The second collection frees what the first one only finalized.
  collect();
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  return {
    "heap and buffers, kB": (heapUsed + external) / 1_000,
    "resident memory, kB": rss / 1_000,
    descriptors: descriptors(),
    timers: resources.filter((kind) => kind === "Timeout").length,
    "other resources of the event loop": resources.filter((kind) => kind !== "Timeout").length,
    listeners: [process, ...emitters].reduce((sum, emitter) => sum + listenersOf(emitter), 0),
  };
}

function listenersOf(emitter) {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
}

function descriptors() {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}
