// One write, from the first lock to the last: read what is there, change it, replace it.
// Next: registry-lock.ts (the locks) and registry-file.ts (the file).

import { corruptWarning, unavailableUnlessOurs } from "./registry-errors.js";
import { prepareDirectory, readServices, replaceServices, setAside } from "./registry-file.js";
import { type LockDeadline, takeRegistryLocks } from "./registry-lock.js";
import type { RegistryPaths } from "./registry-path.js";
import type { Services } from "./services-text.js";

/** Where and how to write. */
export interface UpdateContext {
  readonly paths: RegistryPaths;
  readonly deadline: LockDeadline;
  readonly onWarning: (message: string) => void;
}

/** What a change came to. */
export interface Change<Result> {
  /** Whether there is anything to write. */
  readonly changed: boolean;
  readonly result: Result;
}

/**
 * Runs a change on the entries while no other writer can, and writes what it made of them.
 *
 * The change is synchronous and runs more than once. First without locks: if it then throws or has nothing to write,
 * that is the outcome, and no lock is taken and no directory made. And again where this process was stopped for so long
 * that its locks were broken: nothing is written, and it all starts over with what the others have written since.
 *
 * Rejects with what the change throws, `RegistryError` `LOCK_TIMEOUT` and `REGISTRY_UNAVAILABLE`.
 */
export async function updateServices<Result>(
  context: UpdateContext,
  change: (services: Services) => Change<Result>,
): Promise<Result> {
  try {
    const seen = await readServices(context.paths.services);
    const unlocked = seen && change(seen);
    if (unlocked?.changed === false) {
      return unlocked.result;
    }
    await prepareDirectory(context.paths);
    for (;;) {
      const outcome = await updateOnce(context, change);
      if (outcome !== undefined) {
        return outcome.result;
      }
    }
  } catch (error) {
    throw unavailableUnlessOurs(error, context.paths, "written");
  }
}

/** `undefined`: the locks were lost before anything was replaced. */
async function updateOnce<Result>(
  { paths, deadline, onWarning }: UpdateContext,
  change: (services: Services) => Change<Result>,
): Promise<Change<Result> | undefined> {
  const locks = await takeRegistryLocks(paths, deadline);
  try {
    const services = (await readServices(paths.services)) ?? (await startEmpty(paths.services, onWarning));
    const outcome = change(services);
    if (!outcome.changed) {
      return outcome;
    }
    return (await replaceServices(paths.services, services, locks.isHeld)) ? outcome : undefined;
  } finally {
    locks.release();
  }
}

/** Under the locks nobody is in the middle of writing: a file that is no registry now is corrupt. */
async function startEmpty(file: string, onWarning: (message: string) => void): Promise<Services> {
  onWarning(corruptWarning(file, await setAside(file)));
  return new Map();
}
