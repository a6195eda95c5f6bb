// A file that only one process can make and that tells which: the stuff that two of the three locks are made of.
// Next: stale-lock.ts (breaking them) and pid-lock.ts (taking them).

import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { errnoOf } from "./registry-errors.js";

/** Makes a file (0600) with this process's pid. `false` where the path is taken; throws any other system's error. */
export function makePidFile(path: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(path, "wx", 0o600);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") {
      return false;
    }
    throw error;
  }
  try {
    writeSync(descriptor, `${process.pid}`);
    return true;
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** The pid a file holds; `undefined` where there is no such file, or it holds something else, or nothing yet. */
export function readPid(path: string): number | undefined {
  try {
    const text = readFileSync(path, "utf8").trim();
    return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}
