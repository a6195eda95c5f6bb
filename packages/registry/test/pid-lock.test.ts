import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tryPidLock } from "../src/pid-lock.js";
import { deadPid, startIdle } from "./support/processes.js";
import { temporaryDirectory } from "./support/temp-directory.js";

test("takes a free lock with this pid and removes it on release", () => {
  const path = join(temporaryDirectory(), "registry.lock");
  const lock = tryPidLock(path);
  expect(lock?.isHeld()).toBe(true);
  expect(readFileSync(path, "utf8")).toBe(`${process.pid}`);
  lock?.release();
  expect(lock?.isHeld()).toBe(false);
  expect(existsSync(path)).toBe(false);
});

test("refuses a lock in use, also to its holder", () => {
  const path = join(temporaryDirectory(), "registry.lock");
  const lock = tryPidLock(path);
  expect(tryPidLock(path)).toBeUndefined();
  expect(lock?.isHeld()).toBe(true);
});

test("takes over the lock of a dead process", () => {
  const path = join(temporaryDirectory(), "registry.lock");
  writeFileSync(path, `${deadPid()}`);
  expect(tryPidLock(path)?.isHeld()).toBe(true);
  expect(readFileSync(path, "utf8")).toBe(`${process.pid}`);
});

test("takes over the lock of a live process when it is 10 s old", () => {
  const path = join(temporaryDirectory(), "registry.lock");
  writeFileSync(path, `${startIdle().pid}`);
  expect(tryPidLock(path)).toBeUndefined();
  utimesSync(path, new Date(), new Date(Date.now() - 10_000));
  expect(tryPidLock(path)?.isHeld()).toBe(true);
});

test("release leaves a lock that another process has taken since", () => {
  const path = join(temporaryDirectory(), "registry.lock");
  const lock = tryPidLock(path);
  rmSync(path);
  writeFileSync(path, "another's");
  expect(lock?.isHeld()).toBe(false);
  lock?.release();
  expect(readFileSync(path, "utf8")).toBe("another's");
});
