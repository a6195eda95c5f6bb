import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lock as lockAsOldJavaScript } from "proper-lockfile";
import { expect, test, vi } from "vitest";
import { directoryLockOnDisk, tryDirectoryLock } from "../src/directory-lock.js";
import { lockIdentity } from "../src/stale-lock.js";
import { deadPid } from "./support/processes.js";
import { temporaryDirectory } from "./support/temp-directory.js";

const never = (): void => {};

function place(): { directory: string; file: string; path: string } {
  const directory = temporaryDirectory();
  const file = join(directory, "services.json");
  return { directory, file, path: `${file}.lock` };
}

const oldJavaScript = { realpath: false } as Parameters<typeof lockAsOldJavaScript>[1];

test("takes a free lock: a private directory and a note of its holder, both removed on release", async () => {
  const { directory, file, path } = place();
  const lock = await tryDirectoryLock(file, never);
  expect(lock?.isHeld()).toBe(true);
  expect(statSync(path).isDirectory()).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(readFileSync(`${path}.holder`, "utf8")).toBe(`${process.pid} ${lockIdentity(path)}`);
  lock?.release();
  expect(lock?.isHeld()).toBe(false);
  expect(readdirSync(directory)).toEqual([]);
});

test("excludes the older JavaScript implementation and is excluded by it", async () => {
  const { file } = place();
  const ours = await tryDirectoryLock(file, never);
  await expect(lockAsOldJavaScript(file, oldJavaScript)).rejects.toMatchObject({ code: "ELOCKED" });
  ours?.release();
  const unlock = await lockAsOldJavaScript(file, oldJavaScript);
  expect(await tryDirectoryLock(file, never)).toBeUndefined();
  await unlock();
});

test("takes over a directory that was not touched for 10 s", async () => {
  const { file, path } = place();
  mkdirSync(path);
  expect(await tryDirectoryLock(file, never)).toBeUndefined();
  utimesSync(path, new Date(), new Date(Date.now() - 10_000));
  const lock = await tryDirectoryLock(file, never);
  expect(lock?.isHeld()).toBe(true);
  lock?.release();
});

test("takes over a directory at once if its noted holder is dead", async () => {
  const { file, path } = place();
  mkdirSync(path);
  writeFileSync(`${path}.holder`, `${deadPid()} ${lockIdentity(path)}`);
  const lock = await tryDirectoryLock(file, never);
  expect(lock?.isHeld()).toBe(true);
  lock?.release();
});

test("ignores a note about an earlier directory", async () => {
  const { file, path } = place();
  mkdirSync(path);
  writeFileSync(`${path}.holder`, `${deadPid()} 1-1`);
  expect(await tryDirectoryLock(file, never)).toBeUndefined();
  expect(directoryLockOnDisk(path).readHolder(lockIdentity(path) ?? "")).toBeUndefined();
});

test("release leaves a directory that was created later, and a later lock of this process works", async () => {
  const { directory, file, path } = place();
  const lost = await tryDirectoryLock(file, never);
  rmSync(path, { recursive: true });
  const later = await tryDirectoryLock(file, never);
  expect(lost?.isHeld()).toBe(false);
  lost?.release();
  expect(later?.isHeld()).toBe(true);
  later?.release();
  expect(readdirSync(directory)).toEqual([]);
});

test("rejects with the system's error if the lock cannot be created", async () => {
  const file = join(temporaryDirectory(), "missing", "services.json");
  await expect(tryDirectoryLock(file, never)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a directory removed while it is being taken causes an error, not a crash", async () => {
  const { directory, file } = place();
  vi.resetModules();
  vi.doMock("node:fs", async (importOriginal) => ({
    ...(await importOriginal<typeof import("node:fs")>()),
    utimes: (path: string, _atime: Date, _mtime: Date, callback: (error: Error) => void) => {
      rmSync(path, { recursive: true });
      setImmediate(callback, Object.assign(new Error("ENOENT: gone"), { code: "ENOENT" }));
    },
  }));
  try {
    const { tryDirectoryLock: tryWhileRemoved } = await import("../src/directory-lock.js");
    await expect(tryWhileRemoved(file, never)).rejects.toThrow("ENOENT: gone");
    expect(readdirSync(directory)).toEqual([]);
  } finally {
    vi.doUnmock("node:fs");
  }
});

test("release removes only one directory, even if the next one has the same inode and time", async () => {
  const { file, path } = place();
  vi.resetModules();
  vi.doMock("../src/stale-lock.js", async (importOriginal) => ({
    ...(await importOriginal<typeof import("../src/stale-lock.js")>()),
    lockIdentity: () => "the same",
  }));
  vi.doMock("node:fs", async (importOriginal) => ({
    ...(await importOriginal<typeof import("node:fs")>()),
    rmdirSync: (removed: string) => {
      rmSync(removed, { recursive: true });
      // Another process takes the lock at once.
      mkdirSync(removed);
    },
  }));
  try {
    const { tryDirectoryLock: tryWithSameIdentity } = await import("../src/directory-lock.js");
    const lock = await tryWithSameIdentity(file, never);
    lock?.release();
    const { ino } = statSync(path);
    lock?.release();
    expect(statSync(path).ino).toBe(ino);
    expect(lock?.isHeld()).toBe(false);
  } finally {
    vi.doUnmock("node:fs");
    vi.doUnmock("../src/stale-lock.js");
  }
});
