import { corruptWarning, unavailableIfSystemError } from "./registry-errors.js";
import { type LockDeadline, takeRegistryLocks } from "./registry-lock.js";
import {
  prepareDirectory,
  type RegistryPaths,
  readServices,
  readWhole,
  replaceServices,
  type Services,
  setAside,
} from "./services-file.js";

/** Options of {@link updateServices}. */
export interface UpdateOptions {
  readonly paths: RegistryPaths;
  readonly deadline: LockDeadline;
  readonly onWarning: (message: string) => void;
}

/** The outcome of a change. */
export interface Change<Result> {
  /** Whether there is anything to write. */
  readonly changed: boolean;
  readonly result: Result;
}

/**
 * Changes the entries while no other writer can, and writes the result.
 *
 * `change` runs more than once. First without locks: if it rejects or has nothing to write, that is the outcome, and no
 * lock is taken and no directory created. Then again under the locks; and once more, with what others have written since,
 * if this process was suspended for so long that its locks were broken.
 *
 * Rejects with what the change throws, `RegistryError` `LOCK_TIMEOUT` and `REGISTRY_UNAVAILABLE`.
 */
export async function updateServices<Result>(
  options: UpdateOptions,
  change: (services: Services) => Promise<Change<Result>>,
): Promise<Result> {
  try {
    const seen = await readServices(options.paths.services);
    const unlocked = seen && (await change(seen));
    if (unlocked?.changed === false) {
      return unlocked.result;
    }
    await prepareDirectory(options.paths);
    for (;;) {
      const outcome = await updateOnce(options, change);
      if (outcome !== undefined) {
        return outcome.result;
      }
    }
  } catch (error) {
    throw unavailableIfSystemError(error, options.paths, "written");
  }
}

/** `undefined` if the locks were lost before anything was replaced. */
async function updateOnce<Result>(
  { paths, deadline, onWarning }: UpdateOptions,
  change: (services: Services) => Promise<Change<Result>>,
): Promise<Change<Result> | undefined> {
  const locks = await takeRegistryLocks(paths, deadline);
  try {
    const services = (await readWhole(paths.services)) ?? (await replaceCorrupt(paths.services, onWarning));
    const outcome = await change(services);
    if (!outcome.changed) {
      return outcome;
    }
    return (await replaceServices(paths.services, services, locks.isHeld)) ? outcome : undefined;
  } finally {
    locks.release();
  }
}

/** Under the locks no other process is writing, or only for a moment, so a file that is not a registry is corrupt. */
async function replaceCorrupt(file: string, onWarning: (message: string) => void): Promise<Services> {
  onWarning(corruptWarning(file, await setAside(file)));
  return new Map();
}
