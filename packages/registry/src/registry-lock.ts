import { setTimeout as delay } from "node:timers/promises";
import { numberFrom, type OptionRule, rule } from "@multifrost/protocol/internal";
import { directoryLockOnDisk, tryDirectoryLock } from "./directory-lock.js";
import { type HeldLock, pidLockOnDisk, tryPidLock } from "./pid-lock.js";
import { lockTimeout } from "./registry-errors.js";
import type { RegistryPaths } from "./services-file.js";
import { type LockOnDisk, lockIdentity } from "./stale-lock.js";

/** How long a write waits for its locks, in milliseconds. Source: protocol.md, section 4. */
export const LOCK_TIMEOUT_MS = 10_000;

/** A time to wait, in milliseconds. */
export const WAIT: OptionRule = rule("0 or a positive number", numberFrom(0).accepts);

/** The least time between two tries, and the random part that keeps waiting processes apart, in milliseconds. */
const RETRY_MS = 5;
const RETRY_JITTER_MS = 15;

/** When to give up, and the timeout it came from, for the message. */
export interface LockDeadline {
  /** On the clock of `performance.now()`. */
  readonly at: number;
  readonly timeoutMs: number;
}

/** A deadline `timeoutMs` milliseconds from now. */
export function lockDeadline(timeoutMs: number): LockDeadline {
  return { at: performance.now() + timeoutMs, timeoutMs };
}

/**
 * Takes `services.json.lock`, then `registry.lock`, then `services.lock`.
 *
 * The older implementations use one lock each and do not exclude one another; a writer that holds all three excludes
 * every one of them. Newer implementations take them in this order and older ones take only one, so there is no deadlock.
 *
 * Rejects with `RegistryError` `LOCK_TIMEOUT` at the deadline, naming the lock and its holder, and with the system's
 * error if a lock cannot be created. Locks taken until then are released. Tries each lock at least once, even after the
 * deadline.
 */
export async function takeRegistryLocks(paths: RegistryPaths, deadline: LockDeadline): Promise<HeldLock> {
  const held: HeldLock[] = [];
  const release = (): void => {
    for (let lock = held.pop(); lock !== undefined; lock = held.pop()) {
      releaseQuietly(lock);
    }
  };
  const take = async (onDisk: LockOnDisk, attempt: Attempt): Promise<void> => {
    held.push(await takeOne(onDisk, attempt, deadline));
  };
  try {
    await take(directoryLockOnDisk(paths.directoryLock), () => tryDirectoryLock(paths.services, release));
    await take(pidLockOnDisk(paths.registryLock), () => tryPidLock(paths.registryLock));
    await take(pidLockOnDisk(paths.servicesLock), () => tryPidLock(paths.servicesLock));
    return { isHeld: () => held.length > 0 && held.every((lock) => lock.isHeld()), release };
  } catch (error) {
    release();
    throw error;
  }
}

/** A lock that cannot be removed must not fail the write or keep the other locks. It becomes stale. */
function releaseQuietly(lock: HeldLock): void {
  try {
    lock.release();
  } catch {
    // The next writer breaks it.
  }
}

type Attempt = () => HeldLock | undefined | Promise<HeldLock | undefined>;

async function takeOne(onDisk: LockOnDisk, attempt: Attempt, deadline: LockDeadline): Promise<HeldLock> {
  for (;;) {
    // Checked before the try: there must be one whole try after the deadline, since a lock that was fresh when the wait
    // began may be stale by then.
    const isLast = performance.now() >= deadline.at;
    const lock = await attempt();
    if (lock !== undefined) {
      return lock;
    }
    if (isLast) {
      const holder = onDisk.readHolder(lockIdentity(onDisk.path) ?? "");
      throw lockTimeout(onDisk.path, holder, deadline.timeoutMs);
    }
    const pause = RETRY_MS + Math.random() * RETRY_JITTER_MS;
    await delay(Math.min(pause, Math.max(0, deadline.at - performance.now())));
  }
}
