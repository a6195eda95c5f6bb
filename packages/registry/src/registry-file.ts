// The file: read without a lock, moved aside when it is no registry, replaced as a whole.
// Next: update-services.ts, which does the last two under the locks.

import { randomUUID } from "node:crypto";
import { renameSync } from "node:fs";
import { chmod, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf } from "./registry-errors.js";
import type { RegistryPaths } from "./registry-path.js";
import { formatServices, parseServices, type Services } from "./services-text.js";

/**
 * The entries; an empty map where there is no file yet; `undefined` where the file is not a JSON map, which for a
 * reader may mean that another implementation is in the middle of writing it. Rejects with the system's error.
 */
export async function readServices(file: string): Promise<Services | undefined> {
  try {
    return parseServices(await readFile(file, "utf8"));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      return new Map();
    }
    throw error;
  }
}

/** Makes the directory (0700). One that exists is made private only if it is ours by name, never one that was given. */
export async function prepareDirectory({ directory, isDefault }: RegistryPaths): Promise<void> {
  await makeDirectory(directory);
  if (isDefault && ((await stat(directory)).mode & 0o077) !== 0) {
    // Somebody else's directory cannot be tightened; whether it can be written shows soon enough.
    await chmod(directory, 0o700).catch(() => {});
  }
}

/**
 * Makes a directory and those above it. Not Node's `recursive: true`: that one never comes back from a place such as
 * `/proc`, where the parent is there and nothing can be made in it.
 */
async function makeDirectory(directory: string, isParentThere = dirname(directory) === directory): Promise<void> {
  try {
    await mkdir(directory, 0o700);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" && !isParentThere) {
      await makeDirectory(dirname(directory));
      return makeDirectory(directory, true);
    }
    if (errnoOf(error) !== "EEXIST" || !(await stat(directory)).isDirectory()) {
      throw error;
    }
  }
}

/** Moves a file that is no registry aside, for a person to look at. Resolves to its new name. */
export async function setAside(file: string): Promise<string> {
  const aside = `${file}.corrupt-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`;
  await rename(file, aside);
  return aside;
}

/**
 * Replaces the file as a whole (0600): whoever reads it sees the old entries or the new ones, also after a crash.
 *
 * `mayReplace` is asked at the last moment, when everything is on the disk under a temporary name; if it says no,
 * nothing is replaced. Resolves to what it said. The temporary file is gone afterwards in any case.
 */
export async function replaceServices(file: string, services: Services, mayReplace: () => boolean): Promise<boolean> {
  const temporary = `${file}.${process.pid}-${randomUUID()}.tmp`;
  try {
    await writeDurably(temporary, formatServices(services));
    if (!mayReplace()) {
      return false;
    }
    // Synchronous, so that nothing of this process comes between the answer and the deed.
    renameSync(temporary, file);
    return true;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
