import { rmSync } from "node:fs";
import { breakStaleLock, type LockOnDisk, lockIdentity, makePidFile, readPid } from "./stale-lock.js";

/** A lock this process has taken. */
export interface HeldLock {
  /** Whether this process still holds it: another may have broken it while this process was suspended. */
  isHeld(): boolean;
  /** Releases it, and leaves a lock of another process at the same path alone. Synchronous, for use at exit. */
  release(): void;
}

/** A lock file on the disk: `registry.lock` (Python v3 and early v4) or `services.lock` (older Go, late Python and Rust v4). */
export function pidLockOnDisk(path: string): LockOnDisk {
  return { path, readHolder: () => readPid(path) };
}

/**
 * Tries once to take the lock, and breaks it first if it is stale. `undefined` if another process holds it. Throws the
 * system's error.
 *
 * The lock is not kept fresh while it is held. That is safe: a write takes milliseconds once the third lock is taken,
 * and if a busy disk makes it 10 s, the writer notices that its lock was broken and starts over. The second lock may be
 * held long while waiting for the third, but Python never breaks it, and this package breaks it only under the first
 * lock, which the holder keeps fresh.
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
