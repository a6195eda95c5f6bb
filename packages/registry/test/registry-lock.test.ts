import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test, vi } from "vitest";
import { lockDeadline, takeRegistryLocks } from "../src/registry-lock.js";
import { type RegistryPaths, registryPaths } from "../src/registry-path.js";
import { deadPid, startIdle } from "./support/processes.js";
import { temporaryDirectory } from "./support/temp-directory.js";

const allThree = ["registry.lock", "services.json.lock", "services.json.lock.holder", "services.lock"];

function place(): RegistryPaths {
  return registryPaths(temporaryDirectory());
}

test("[REG-8] all three locks are held, and released together", async () => {
  const paths = place();
  const locks = await takeRegistryLocks(paths, lockDeadline(1000));
  expect(readdirSync(paths.directory)).toEqual(allThree);
  expect(locks.isHeld()).toBe(true);
  locks.release();
  expect(locks.isHeld()).toBe(false);
  expect(readdirSync(paths.directory)).toEqual([]);
  locks.release();
});

test("[REG-8] the locks are taken in order: who waits for the second has the first and not the third", async () => {
  const paths = place();
  writeFileSync(paths.registryLock, `${startIdle().pid}`);
  const waiting = takeRegistryLocks(paths, lockDeadline(5000));
  await vi.waitFor(() => expect(existsSync(paths.directoryLock)).toBe(true), 10_000);
  expect(existsSync(paths.servicesLock)).toBe(false);
  rmSync(paths.registryLock);
  (await waiting).release();
  expect(readdirSync(paths.directory)).toEqual([]);
});

test.each(["directoryLock", "registryLock", "servicesLock"] as const)("the loss of %s is noticed", async (name) => {
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
      "Try again; if the holder is stuck, end it, and its lock is broken by the next one who needs it.",
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

test("a deadline that has passed still leaves one try, which may break a stale lock", async () => {
  const paths = place();
  writeFileSync(paths.servicesLock, `${deadPid()}`);
  const locks = await takeRegistryLocks(paths, lockDeadline(-1));
  expect(locks.isHeld()).toBe(true);
  locks.release();
});

test("a lock that cannot be tried is an error of the system at once", async () => {
  const paths = registryPaths(`${temporaryDirectory()}/missing`);
  await expect(takeRegistryLocks(paths, lockDeadline(5000))).rejects.toMatchObject({ code: "ENOENT" });
});
