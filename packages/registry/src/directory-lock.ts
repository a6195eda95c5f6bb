/// <reference path="./proper-lockfile.d.ts" />
import { mkdirSync, rmdirSync, rmSync, stat, utimes, writeFileSync } from "node:fs";
import type { LockFileSystem } from "proper-lockfile";
import { Lockfile, type Unlock } from "./lockfile.js";
import type { HeldLock } from "./pid-lock.js";
import { errnoOf } from "./registry-errors.js";
import { breakStaleLock, LOCK_STALE_MS, type LockOnDisk, lockIdentity, readTextOf } from "./stale-lock.js";

/** When proper-lockfile breaks a stale lock, two processes can win. So to it no lock is stale; this package breaks them. */
const NEVER_STALE = Number.MAX_SAFE_INTEGER;

/**
 * The lock on the disk: the directory `services.json.lock`, the convention of the older JavaScript. A directory cannot
 * contain the pid of its holder, so that is in a file next to it, with the identity of the directory it belongs to. It
 * does not apply to a later directory.
 */
export function directoryLockOnDisk(path: string): LockOnDisk {
  return {
    path,
    readHolder: (identity) => {
      const [pid, ofIdentity] = readTextOf(notePath(path)).split(" ");
      return ofIdentity === identity ? Number(pid) : undefined;
    },
  };
}

/**
 * Tries once to take the lock for `file` (the directory is `<file>.lock`), and breaks it first if it is stale.
 * `undefined` if another process holds it. Rejects with the system's error. proper-lockfile touches it every 5 s while
 * it is held.
 *
 * @param onExit Called if the process ends (exit, or an unhandled signal) while the lock is held.
 */
export async function tryDirectoryLock(file: string, onExit: () => void): Promise<HeldLock | undefined> {
  const own = new OwnDirectory(`${file}.lock`);
  const unlock = (await lockOnce(file, own, onExit)) ?? (await lockBroken(file, own, onExit));
  if (unlock === undefined) {
    return undefined;
  }
  const release = (): void => {
    try {
      own.remove();
    } finally {
      // Ends the touching. A failure does not matter: the directory is gone, or belongs to another process.
      unlock().catch(() => {});
    }
  };
  return { isHeld: () => own.exists(), release };
}

/** The directory that this process has created, as opposed to a later one at the same path. */
class OwnDirectory {
  readonly #path: string;
  #identity: string | undefined;
  #isRemoved = false;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Creates it and notes its holder next to it. Synchronous: a process that dies in between leaves a lock that is stale only
   * by its age, after 10 s, when those that wait for it give up. Throws the system's error.
   */
  create(): void {
    mkdirSync(this.#path, 0o700);
    try {
      this.#adopt();
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  #adopt(): void {
    this.#identity = lockIdentity(this.#path) ?? "gone already";
    // What an earlier holder left is replaced, whatever it is.
    rmSync(notePath(this.#path), { recursive: true, force: true });
    writeFileSync(notePath(this.#path), this.#note(), { mode: 0o600, flag: "wx" });
  }

  #note(): string {
    return `${process.pid} ${this.#identity}`;
  }

  exists(): boolean {
    return !this.#isRemoved && this.#identity !== undefined && lockIdentity(this.#path) === this.#identity;
  }

  /** Removes it and its note at the first call, and leaves any other directory alone. Throws the system's error. */
  remove(): void {
    if (this.#isRemoved) {
      return;
    }
    const isThere = this.exists();
    // Only once: the next directory at this path may be created in the same clock tick and get the same inode.
    this.#isRemoved = true;
    if (readTextOf(notePath(this.#path)) === this.#note()) {
      rmSync(notePath(this.#path), { force: true });
    }
    if (isThere) {
      rmdirSync(this.#path);
    }
  }
}

const lockfile = new Lockfile();

async function lockBroken(file: string, own: OwnDirectory, onExit: () => void): Promise<Unlock | undefined> {
  return breakStaleLock(directoryLockOnDisk(`${file}.lock`)) ? lockOnce(file, own, onExit) : undefined;
}

async function lockOnce(file: string, own: OwnDirectory, onExit: () => void): Promise<Unlock | undefined> {
  try {
    return await lockfile.lock(file, {
      realpath: false, // the file may not exist yet
      stale: NEVER_STALE,
      update: LOCK_STALE_MS / 2,
      retries: 0,
      fs: carefulFileSystem(own, onExit),
      onCompromised: () => {}, // the writer asks isHeld() before it replaces anything
    });
  } catch (error) {
    if (errnoOf(error) === "ELOCKED") {
      return undefined;
    }
    throw error;
  }
}

/** A file system in which proper-lockfile makes its directory private and removes no other. */
function carefulFileSystem(own: OwnDirectory, onExit: () => void): LockFileSystem {
  return {
    mkdir: (_path, callback) => callback(failureOf(() => own.create())),
    rmdir: (_path, callback) => callback(failureOf(() => own.remove())),
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
