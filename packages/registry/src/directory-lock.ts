// The lock that is a directory, `services.json.lock`, by proper-lockfile: the convention of the older JavaScript.
// Next: registry-lock.ts, which takes this one first.

/// <reference path="./proper-lockfile.d.ts" />
import { mkdir, readFileSync, rmdirSync, rmSync, stat, utimes, writeFileSync } from "node:fs";
import type { LockFileSystem } from "proper-lockfile";
import type { HeldLock } from "./pid-lock.js";
import { errnoOf } from "./registry-errors.js";
import { breakStaleLock, LOCK_STALE_MS, type LockOnDisk, lockIdentity } from "./stale-lock.js";

/** proper-lockfile's own breaking lets two breakers win, so it is told that no lock is ever stale; we break them. */
const NEVER_STALE = Number.MAX_SAFE_INTEGER;

/**
 * The lock as it lies on the disk. A directory has no room for a pid, so ours is in a file beside it, together with the
 * identity of the directory it speaks for: it says nothing about a later directory that somebody else made.
 */
export function directoryLockOnDisk(path: string): LockOnDisk {
  return {
    path,
    readHolder: (identity) => {
      const [pid, ofIdentity] = readNote(path).split(" ");
      return ofIdentity === identity ? Number(pid) : undefined;
    },
  };
}

/**
 * Tries once to take the lock for `file` (the directory is `<file>.lock`), breaking it first where it is stale.
 * `undefined`: another has it. Rejects with the system's error. proper-lockfile touches it every 5 s while it is held.
 *
 * `onExit` is called where the process ends (exit, or a signal that nobody handles) while the lock is held.
 */
export async function tryDirectoryLock(file: string, onExit: () => void): Promise<HeldLock | undefined> {
  const own = createOwnDirectory(`${file}.lock`);
  const unlock = (await lockOnce(file, own, onExit)) ?? (await lockBroken(file, own, onExit));
  if (unlock === undefined) {
    return undefined;
  }
  const release = (): void => {
    try {
      own.remove();
    } finally {
      // Ends the touching. It cannot fail in a way that matters: the directory is gone, or is not ours.
      unlock().catch(() => {});
    }
  };
  try {
    own.adopt();
  } catch (error) {
    release();
    throw error;
  }
  return { isHeld: own.isThere, release };
}

/** The directory that this process has made, as opposed to whatever is at its path later on. */
interface OwnDirectory {
  /** Remembers the directory that is there now as this process's, and notes that beside it. */
  adopt(): void;
  isThere(): boolean;
  /** Removes it, and its note, the first time it is asked; leaves any other. Throws the system's error. */
  remove(): void;
}

function createOwnDirectory(path: string): OwnDirectory {
  let identity: string | undefined;
  let isRemoved = false;
  const isThere = (): boolean => !isRemoved && identity !== undefined && lockIdentity(path) === identity;
  return {
    isThere,
    adopt() {
      identity = lockIdentity(path) ?? "gone already";
      writeFileSync(notePath(path), `${process.pid} ${identity}`, { mode: 0o600 });
    },
    remove() {
      // Not adopted: proper-lockfile has made it just now, cannot go on, and cleans up.
      if (identity === undefined || isThere()) {
        rmSync(notePath(path), { force: true });
        // Once and for all: the next one at this path may be born in the same tick of the clock and get the same inode.
        isRemoved = true;
        rmdirSync(path);
      }
    },
  };
}

type Unlock = () => Promise<void>;

async function lockBroken(file: string, own: OwnDirectory, onExit: () => void): Promise<Unlock | undefined> {
  return breakStaleLock(directoryLockOnDisk(`${file}.lock`)) ? lockOnce(file, own, onExit) : undefined;
}

async function lockOnce(file: string, own: OwnDirectory, onExit: () => void): Promise<Unlock | undefined> {
  // Loaded with the first lock and not with this file, because it installs signal handlers when it is loaded.
  const { lock } = await import("proper-lockfile");
  try {
    return await lock(file, {
      realpath: false, // the file need not exist yet
      stale: NEVER_STALE,
      update: LOCK_STALE_MS / 2,
      retries: 0,
      fs: carefulFileSystem(own, onExit),
      onCompromised: () => {}, // isHeld() tells, and the writer asks before it replaces anything
    });
  } catch (error) {
    if (errnoOf(error) === "ELOCKED") {
      return undefined;
    }
    throw error;
  }
}

/** A file system for proper-lockfile in which it removes no directory but its own, and makes it private. */
function carefulFileSystem(own: OwnDirectory, onExit: () => void): LockFileSystem {
  return {
    mkdir: (path, callback) => mkdir(path, 0o700, callback),
    rmdir: (_path, callback) => callback(failureOf(own.remove)),
    rmdirSync: onExit,
    stat: (path, callback) => stat(path, callback),
    utimes,
  };
}

function failureOf(run: () => void): Error | null {
  try {
    run();
    return null;
  } catch (error) {
    return error as Error;
  }
}

function notePath(path: string): string {
  return `${path}.holder`;
}

function readNote(path: string): string {
  try {
    return readFileSync(notePath(path), "utf8");
  } catch {
    return "";
  }
}
