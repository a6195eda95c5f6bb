// The console of Bun and of Deno writes past `process.stdout` and `process.stderr`, so that taking these over misses it.

import { Console } from "node:console";

/** Whether this runtime's console is one of those. */
const WRITES_PAST = process.versions.bun !== undefined || process.versions.deno !== undefined;

/** Makes the global console write to the process's streams, as Node's does. Returns a function that undoes it. */
export function routeConsole(target: object = console, isNeeded: boolean = WRITES_PAST): () => void {
  if (!isNeeded) {
    return () => {};
  }
  const routed = new Console({ stdout: process.stdout, stderr: process.stderr });
  const undo = Object.entries(routed)
    .filter(([, method]) => typeof method === "function")
    .map(([name, method]) => replace(target, name, method));
  return () => {
    for (const each of undo) {
      each();
    }
  };
}

/** Puts the earlier method back unless another one has been put there since. */
function replace(target: object, name: string, method: unknown): () => void {
  const before: unknown = Reflect.get(target, name);
  Reflect.set(target, name, method);
  return () => {
    if (Reflect.get(target, name) === method) {
      Reflect.set(target, name, before);
    }
  };
}
