import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test, vi } from "vitest";
import { lockDeadline, takeRegistryLocks } from "../src/registry-lock.js";
import { type RegistryPaths, registryPaths } from "../src/services-file.js";
import { deadPid, startIdle } from "./support/processes.js";
import { temporaryDirectory } from "./support/temp-directory.js";

const allThree = ["registry.lock", "services.json.lock", "services.json.lock.holder", "services.lock"];

function place(): RegistryPaths {
  return registryPaths(temporaryDirectory());
}

test("[REG-8] holds all three locks and releases them together", async () => {
  const paths = place();
  const locks = await takeRegistryLocks(paths, lockDeadline(1000));
  expect(readdirSync(paths.directory)).toEqual(allThree);
  expect(locks.isHeld()).toBe(true);
  locks.release();
  expect(locks.isHeld()).toBe(false);
  expect(readdirSync(paths.directory)).toEqual([]);
  locks.release();
});

test("[REG-8] takes the locks in order: while waiting for the second it holds the first and not the third", async () => {
  const paths = place();
  writeFileSync(paths.registryLock, `${startIdle().pid}`);
  const waiting = takeRegistryLocks(paths, lockDeadline(5000));
  await vi.waitFor(() => expect(existsSync(paths.directoryLock)).toBe(true), 10_000);
  expect(existsSync(paths.servicesLock)).toBe(false);
  rmSync(paths.registryLock);
  (await waiting).release();
  expect(readdirSync(paths.directory)).toEqual([]);
});

test.each(["directoryLock", "registryLock", "servicesLock"] as const)("notices the loss of %s", async (name) => {
  const paths = place();
  const locks = await takeRegistryLocks(paths, lockDeadline(1000));
  rmSync(paths[name], { recursive: true });
  expect(locks.isHeld()).toBe(false);
  locks.release();
  expect(readdirSync(paths.directory).filter((file) => !file.endsWith(".holder"))).toEqual([]);
});

test.each(["registryLock", "servicesLock"] as const)("waiting for %s ends with LOCK_TIMEOUT", async (name) => {
  const paths = place();
  const holder = startIdle().pid;
  writeFileSync(paths[name], `${holder}`);
  await expect(takeRegistryLocks(paths, lockDeadline(50))).rejects.toMatchObject({
    code: "LOCK_TIMEOUT",
    file: paths[name],
    pid: holder,
    message:
      `The service registry is locked: ${paths[name]} was still held by process ${holder} after 50 ms. ` +
      "Try again. If the holder is stuck, end it; the next process that needs the lock breaks it.",
  });
  expect(readdirSync(paths.directory)).toEqual([basename(paths[name])]);
});

test("[REG-10] waiting for the directory ends with LOCK_TIMEOUT", async () => {
  const paths = place();
  mkdirSync(paths.directoryLock);
  await expect(takeRegistryLocks(paths, lockDeadline(50))).rejects.toMatchObject({
    code: "LOCK_TIMEOUT",
    file: paths.directoryLock,
    pid: undefined,
  });
  expect(readdirSync(paths.directory)).toEqual(["services.json.lock"]);
});

test("tries once after the deadline, and may break a stale lock", async () => {
  const paths = place();
  writeFileSync(paths.servicesLock, `${deadPid()}`);
  const locks = await takeRegistryLocks(paths, lockDeadline(-1));
  expect(locks.isHeld()).toBe(true);
  locks.release();
});

test("rejects at once with the system's error if a lock cannot be created", async () => {
  const paths = registryPaths(`${temporaryDirectory()}/missing`);
  await expect(takeRegistryLocks(paths, lockDeadline(5000))).rejects.toMatchObject({ code: "ENOENT" });
});
