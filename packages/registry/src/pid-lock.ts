// The locks that are files holding a pid: `registry.lock` (Python) and `services.lock` (Go and the v4 implementations).
// Next: directory-lock.ts, the other kind; registry-lock.ts takes both kinds in order.

import { rmSync } from "node:fs";
import { makePidFile, readPid } from "./pid-file.js";
import { breakStaleLock, type LockOnDisk, lockIdentity } from "./stale-lock.js";

/** A lock this process has taken. */
export interface HeldLock {
  /** Whether it still is this process's: somebody may have broken it while this process was stopped. */
  isHeld(): boolean;
  /** Lets it go; leaves a lock at the same path that is not this process's. Synchronous, for use at exit. */
  release(): void;
}

/** A pid lock as it lies on the disk. */
export function pidLockOnDisk(path: string): LockOnDisk {
  return { path, readHolder: () => readPid(path) };
}

/**
 * Tries once to take the lock, breaking it first where it is stale. `undefined`: another has it. Throws the system's
 * error.
 *
 * The lock is not kept fresh while it is held. It need not be: a write takes milliseconds once the third lock is taken;
 * should a busy disk make it 10 s, the writer notices that it was broken, and starts over. The second lock may wait long
 * for the third, but Python never breaks it, and we do so only under the first, which its holder has and keeps fresh.
 */
export function tryPidLock(path: string): HeldLock | undefined {
  if (!makePidFile(path) && !(breakStaleLock(pidLockOnDisk(path)) && makePidFile(path))) {
    return undefined;
  }
  const identity = lockIdentity(path);
  const isHeld = (): boolean => identity !== undefined && lockIdentity(path) === identity;
  const release = (): void => {
    if (isHeld()) {
      rmSync(path, { force: true });
    }
  };
  return { isHeld, release };
}
