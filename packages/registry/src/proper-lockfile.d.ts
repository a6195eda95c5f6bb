// The part of proper-lockfile 4 that directory-lock.ts uses. The package brings no types, and ours mention none of these.

declare module "proper-lockfile" {
  type Callback<Result = void> = (error: Error | null, result?: Result) => void;

  /** What it asks of a file system. */
  export interface LockFileSystem {
    mkdir(path: string, callback: Callback<string | undefined>): void;
    rmdir(path: string, callback: Callback): void;
    rmdirSync(path: string): void;
    stat(path: string, callback: Callback<import("node:fs").Stats>): void;
    utimes(path: string, atime: Date, mtime: Date, callback: Callback): void;
  }

  export interface LockOptions {
    realpath: boolean;
    /** Milliseconds. */
    stale: number;
    /** Milliseconds. */
    update: number;
    retries: number;
    fs: LockFileSystem;
    onCompromised(error: Error): void;
  }

  /** Makes the directory `<file>.lock`; rejects with code `ELOCKED` where there is one. Resolves to its release. */
  export function lock(file: string, options: LockOptions): Promise<() => Promise<void>>;
}
