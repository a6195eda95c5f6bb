// Preloaded into registry-user.mjs: ends the process by SIGKILL at one moment of a write of the registry.
//
// CHAOS_DIE_AT is a file, and the moment is when it has been written: `services.json.lock.holder`, `registry.lock` or
// `services.lock`, when that lock is taken. `replace` and `replaced` are before and after the new file takes the place of the old
// one, under all three locks. CHAOS_DIE_AFTER is how often that moment passes first.

import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";

const dieAt = process.env.CHAOS_DIE_AT;
let left = Number(process.env.CHAOS_DIE_AFTER);

function passes(moment) {
  if (moment === dieAt && left-- === 0) {
    process.kill(process.pid, "SIGKILL");
  }
}

const { openSync, closeSync, writeFileSync, renameSync } = fs;
const created = new Map();

fs.openSync = (path, flags, mode) => {
  const descriptor = openSync(path, flags, mode);
  if (flags === "wx") {
    created.set(descriptor, basename(path));
  }
  return descriptor;
};

fs.closeSync = (descriptor) => {
  closeSync(descriptor);
  const name = created.get(descriptor);
  created.delete(descriptor);
  passes(name);
};

fs.writeFileSync = (path, ...rest) => {
  writeFileSync(path, ...rest);
  passes(basename(path));
};

fs.renameSync = (from, to) => {
  const isReplacing = basename(to) === "services.json";
  passes(isReplacing ? "replace" : undefined);
  renameSync(from, to);
  passes(isReplacing ? "replaced" : undefined);
};

syncBuiltinESMExports();
