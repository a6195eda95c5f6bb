// The part of proper-lockfile 4 that lockfile.ts uses. The package has no types, and no public type mentions these.

declare module "proper-lockfile" {
  type Callback<Result = void> = (error: Error | null, result?: Result) => void;

  /** The file system it uses. */
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

  /** Creates the directory `<file>.lock`. Rejects with code `ELOCKED` if there is one. Resolves to its release. */
  export function lock(file: string, options: LockOptions): Promise<() => Promise<void>>;
}
