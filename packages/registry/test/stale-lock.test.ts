import { mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { pidLockOnDisk } from "../src/pid-lock.js";
import { breakStaleLock, lockIdentity, removeJudged, staleIdentity } from "../src/stale-lock.js";
import { deadPid } from "./support/processes.js";
import { temporaryDirectory } from "./support/temp-directory.js";

function placeLock(text: string, ageMs = 0): { directory: string; path: string } {
  const directory = temporaryDirectory();
  const path = join(directory, "a.lock");
  writeFileSync(path, text);
  backdate(path, ageMs);
  return { directory, path };
}

function backdate(path: string, ageMs: number): void {
  const time = new Date(Date.now() - ageMs);
  utimesSync(path, time, time);
}

afterEach(() => {
  vi.useRealTimers();
});

test("a lock keeps its identity when it is touched or renamed, and a later one at the same path has another", () => {
  const { path } = placeLock("1");
  const identity = lockIdentity(path);
  backdate(path, 60_000);
  expect(lockIdentity(path)).toBe(identity);
  renameSync(path, `${path}.moved`);
  expect(lockIdentity(`${path}.moved`)).toBe(identity);
  expect(lockIdentity(path)).toBeUndefined();
  writeFileSync(path, "1");
  expect(lockIdentity(path)).not.toBe(identity);
});

test("[REG-9] the lock of a live process is in use until it is 10 s old", () => {
  const { path } = placeLock(`${process.pid}`, 9000);
  expect(staleIdentity(pidLockOnDisk(path))).toBeUndefined();
  backdate(path, 10_000);
  expect(staleIdentity(pidLockOnDisk(path))).toBe(lockIdentity(path));
});

test("the lock of a dead process is stale at once", () => {
  const { path } = placeLock(`${deadPid()}`);
  expect(staleIdentity(pidLockOnDisk(path))).toBe(lockIdentity(path));
});

test("a lock without a pid, made a moment ago, is in use: its owner may be about to write the pid", () => {
  const { path } = placeLock("");
  expect(staleIdentity(pidLockOnDisk(path))).toBeUndefined();
});

test("a time in the future, as proper-lockfile sets it, does not make a lock last longer", () => {
  const { path } = placeLock("", -60_000);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 9000 });
  expect(staleIdentity(pidLockOnDisk(path))).toBeUndefined();
  vi.setSystemTime(Date.now() + 1100);
  expect(staleIdentity(pidLockOnDisk(path))).toBe(lockIdentity(path));
});

test("no lock is not stale", () => {
  const path = join(temporaryDirectory(), "a.lock");
  expect(staleIdentity(pidLockOnDisk(path))).toBeUndefined();
  expect(breakStaleLock(pidLockOnDisk(path))).toBe(false);
});

test("breaking removes a stale lock and leaves nothing else behind", () => {
  const { directory, path } = placeLock(`${deadPid()}`);
  expect(breakStaleLock(pidLockOnDisk(path))).toBe(true);
  expect(readdirSync(directory)).toEqual([]);
});

test("breaking leaves a lock that is in use", () => {
  const { directory, path } = placeLock(`${process.pid}`);
  expect(breakStaleLock(pidLockOnDisk(path))).toBe(false);
  expect(readdirSync(directory)).toEqual(["a.lock"]);
});

test("a stale lock may be a directory, empty or not", () => {
  const path = join(temporaryDirectory(), "a.lock");
  mkdirSync(join(path, "something"), { recursive: true });
  backdate(path, 10_000);
  expect(breakStaleLock(pidLockOnDisk(path))).toBe(true);
  expect(lockIdentity(path)).toBeUndefined();
});

test("while another has the claim, nobody else breaks", () => {
  const { directory, path } = placeLock(`${deadPid()}`);
  writeFileSync(`${path}.breaking`, `${process.pid}`);
  expect(breakStaleLock(pidLockOnDisk(path))).toBe(false);
  expect(readdirSync(directory)).toEqual(["a.lock", "a.lock.breaking"]);
});

test("a claim whose owner has died is removed, and the next try breaks the lock", () => {
  const { directory, path } = placeLock(`${deadPid()}`);
  writeFileSync(`${path}.breaking`, `${deadPid()}`);
  expect(breakStaleLock(pidLockOnDisk(path))).toBe(false);
  expect(readdirSync(directory)).toEqual(["a.lock"]);
  expect(breakStaleLock(pidLockOnDisk(path))).toBe(true);
  expect(readdirSync(directory)).toEqual([]);
});

test("a lock that another took after the judgement is put back as it was", () => {
  const { directory, path } = placeLock(`${deadPid()}`);
  const judged = lockIdentity(path) ?? "";
  renameSync(path, `${path}.broken-by-another`);
  writeFileSync(path, "another's");
  const fresh = lockIdentity(path);
  expect(removeJudged(path, judged)).toBe(false);
  expect(lockIdentity(path)).toBe(fresh);
  expect(readFileSync(path, "utf8")).toBe("another's");
  expect(readdirSync(directory)).toEqual(["a.lock", "a.lock.broken-by-another"]);
});

test("a lock that its owner let go after the judgement is gone", () => {
  const { path } = placeLock("1");
  const judged = lockIdentity(path) ?? "";
  renameSync(path, `${path}.gone`);
  expect(removeJudged(path, judged)).toBe(false);
});

test("age and identity are those of one and the same lock, also where it is replaced during the judgement", () => {
  const { path } = placeLock("", 60_000);
  const old = lockIdentity(path) ?? "";
  const replacing = {
    path,
    readHolder: () => {
      renameSync(path, `${path}.old`);
      writeFileSync(path, `${process.pid}`);
      return process.pid;
    },
  };
  expect(staleIdentity(replacing)).toBe(old);
  expect(removeJudged(path, old)).toBe(false);
  expect(readFileSync(path, "utf8")).toBe(`${process.pid}`);
});
