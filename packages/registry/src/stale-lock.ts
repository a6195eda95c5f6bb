import { randomUUID } from "node:crypto";
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { errnoOf } from "./registry-errors.js";
import { isProcessAlive } from "./running-process.js";

/** A lock of this age, in milliseconds, is stale, whichever process holds it. Source: protocol.md, section 4. */
export const LOCK_STALE_MS = 10_000;

/** How much the clocks of files and processes may differ, in milliseconds. */
const CLOCK_STEP_MS = 100;

/** A lock on the disk, of this process or another. */
export interface LockOnDisk {
  readonly path: string;
  /** The pid of the holder of the lock with this identity, if it is recorded. */
  readHolder(identity: string): number | undefined;
}

/**
 * Distinguishes this lock from a later one at the same path: inode and time of birth, which renaming and touching do
 * not change. `undefined` if there is nothing at the path.
 */
export function lockIdentity(path: string): string | undefined {
  const stats = statsOf(path);
  return stats && identityOf(stats);
}

/**
 * The identity of the lock if its holder is dead or it is 10 s old; `undefined` if it is in use or gone. The age of a lock
 * that is dated in the future says nothing, as its clock was set back since: it is in use while its holder is known and
 * lives.
 */
export function staleIdentity(lock: LockOnDisk): string | undefined {
  // One stat for age and identity: two could see two different locks and judge the new one by the old one's age.
  const stats = statsOf(lock.path);
  if (stats === undefined) {
    return undefined;
  }
  const identity = identityOf(stats);
  // proper-lockfile sets the first mtime up to a second ahead, hence the earlier one of both times.
  const touched = Math.min(Number(stats.mtimeMs), Number(stats.ctimeMs));
  const age = Date.now() - touched;
  const isFuture = age <= -LOCK_STALE_MS;
  const holder = lock.readHolder(identity);
  const isAbandoned = holder === undefined ? isFuture : !isHolding(holder, touched, isFuture);
  return isAbandoned || age >= LOCK_STALE_MS ? identity : undefined;
}

/** A lock with this process's pid that is older than this process is an earlier one's that had the same pid. */
function isHolding(holder: number, touched: number, isFuture: boolean): boolean {
  if (holder === process.pid) {
    return !isFuture && touched > Date.now() - process.uptime() * 1000 - CLOCK_STEP_MS;
  }
  return isProcessAlive(holder);
}

function statsOf(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

function identityOf({ ino, birthtimeNs }: BigIntStats): string {
  return `${ino}-${birthtimeNs}`;
}

/**
 * Breaks the lock if it is stale, so that the next process can take the path. Returns whether it did.
 *
 * The danger: A and B both see a dead holder's lock. A removes it and takes the path; B, acting on what it saw, removes
 * A's new lock and takes the path too. Files are removed by path, so a removal cannot be limited to the lock that was
 * judged. Three things together prevent this:
 *
 * 1. Only the holder of the claim `<lock>.breaking`, created with O_EXCL, may break, and it judges again under the claim.
 *    Among processes that run this code this is enough: while B has the claim and sees the stale lock, no other removes
 *    it, so the path is not free between B's check and B's removal. (A claim whose owner died is removed by the same
 *    rule; the remaining gap takes a death within these few lines and a failure of the next step as well.)
 * 2. Other implementations do not know the claim, and a slow holder may release its lock at any moment. So the lock is
 *    first renamed to a unique name and checked there: if it is not the one that was judged, it is renamed back, and is
 *    missing only for the time of two system calls.
 * 3. Everything here is synchronous: nothing else in this process runs between the check and the removal.
 */
export function breakStaleLock(lock: LockOnDisk): boolean {
  const claim = `${lock.path}.breaking`;
  if (!makePidFile(claim)) {
    removeDeadClaim(claim);
    return false;
  }
  try {
    const judged = staleIdentity(lock);
    return judged !== undefined && removeJudged(lock.path, judged);
  } finally {
    rmSync(claim, { force: true });
  }
}

/** Removes the lock at the path if it is the one judged, else puts it back. Step 2 of {@link breakStaleLock}. */
export function removeJudged(path: string, judged: string): boolean {
  const aside = `${path}.broken-${process.pid}-${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      return false;
    }
    throw error;
  }
  if (lockIdentity(aside) !== judged) {
    renameSync(aside, path);
    return false;
  }
  rmSync(aside, { recursive: true, force: true });
  return true;
}

function removeDeadClaim(path: string): void {
  const claim: LockOnDisk = { path, readHolder: () => readPid(path) };
  const identity = staleIdentity(claim);
  if (identity !== undefined) {
    removeJudged(path, identity);
  }
}

/** Creates a file (0600) with this process's pid. `false` if the path is taken; throws any other system error. */
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

/** The pid in a file; `undefined` if there is no such file, or it contains something else or nothing yet. */
export function readPid(path: string): number | undefined {
  const text = readTextOf(path).trim();
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** The text of a regular file; empty if there is none. Does not wait for a FIFO. */
export function readTextOf(path: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    return fstatSync(descriptor).isFile() ? readFileSync(descriptor, "utf8") : "";
  } catch {
    return "";
  } finally {
    if (descriptor !== undefined) {
      closeSync(descriptor);
    }
  }
}
