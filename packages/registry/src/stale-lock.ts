// Tells an abandoned lock from one in use, and breaks it so that two who try cannot both win.
// Next: pid-lock.ts and directory-lock.ts, the two kinds of lock this is done for.

import { randomUUID } from "node:crypto";
import { type BigIntStats, renameSync, rmSync, statSync } from "node:fs";
import { makePidFile, readPid } from "./pid-file.js";
import { isProcessAlive } from "./process-alive.js";
import { errnoOf } from "./registry-errors.js";

/** A lock of this age, in milliseconds, is stale whoever holds it. Source: protocol.md, section 4. */
export const LOCK_STALE_MS = 10_000;

/** A lock on the disk, ours or another's. */
export interface LockOnDisk {
  readonly path: string;
  /** The pid of whoever holds the lock of this identity, where that is written down. */
  readHolder(identity: string): number | undefined;
}

/**
 * What tells this lock from a later one at the same path: inode and time of birth, which renaming and touching leave
 * as they are. `undefined` where there is nothing at the path.
 */
export function lockIdentity(path: string): string | undefined {
  const stats = look(path);
  return stats && identityOf(stats);
}

/** The identity of the lock if its holder is dead or it is 10 s old; `undefined` if it is in use or gone. */
export function staleIdentity(lock: LockOnDisk): string | undefined {
  // One look for age and identity: two could see two different locks, and condemn the fresh one for the old one's age.
  const stats = look(lock.path);
  if (stats === undefined) {
    return undefined;
  }
  const identity = identityOf(stats);
  const holder = lock.readHolder(identity);
  const isDead = holder !== undefined && !isProcessAlive(holder);
  // proper-lockfile sets the first mtime up to a second ahead, hence the earlier one of both times.
  const touched = Math.min(Number(stats.mtimeMs), Number(stats.ctimeMs));
  return isDead || Date.now() - touched >= LOCK_STALE_MS ? identity : undefined;
}

function look(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

function identityOf({ ino, birthtimeNs }: BigIntStats): string {
  return `${ino}-${birthtimeNs}`;
}

/**
 * Breaks the lock if it is stale; the path is then free for whoever comes first. Tells whether it did.
 *
 * The danger: A and B both see a dead holder's lock. A removes it and takes the path; B, still acting on what it saw,
 * removes A's fresh lock and takes the path too. Removing goes by path, so it cannot be told to remove only what was
 * judged. Three things together keep B out:
 *
 * 1. Only the holder of the claim `<lock>.breaking`, made with O_EXCL, may break, and it judges again under the claim.
 *    Among processes of ours this is enough: while B has the claim and sees the stale lock, no other of us removes it,
 *    so nobody can take the path between B's look and B's removal. (A claim whose owner died is itself removed after
 *    the same rule; what that leaves open takes a death within these few lines and the next step failing as well.)
 * 2. Other implementations know nothing of the claim, and a holder that was merely slow may let go at any moment. So
 *    what is removed is first renamed to a name of its own and looked at there: if it is not what was judged, it goes
 *    back, and is missing only for as long as two system calls take.
 * 3. Everything here is synchronous: nothing else of this process runs between the look and the removal.
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

/** Removes what is at the path if it is what was judged; otherwise puts it back. Step 2 of {@link breakStaleLock}. */
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
