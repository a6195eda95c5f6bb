import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { pidLockOnDisk } from "../src/pid-lock.js";
import { breakStaleLock, lockIdentity, makePidFile, readPid, removeJudged, staleIdentity } from "../src/stale-lock.js";
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

test("a lock keeps its identity when touched or renamed; a later lock at the same path has another", () => {
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
  const { path } = placeLock(`${process.ppid}`, 9000);
  expect(staleIdentity(pidLockOnDisk(path))).toBeUndefined();
  backdate(path, 10_000);
  expect(staleIdentity(pidLockOnDisk(path))).toBe(lockIdentity(path));
});

test("the lock of a dead process is stale at once", () => {
  const { path } = placeLock(`${deadPid()}`);
  expect(staleIdentity(pidLockOnDisk(path))).toBe(lockIdentity(path));
});

test("a new lock without a pid is in use: its owner may be about to write the pid", () => {
  const { path } = placeLock("");
  expect(staleIdentity(pidLockOnDisk(path))).toBeUndefined();
});

test("a time in the future, as proper-lockfile sets it, does not keep a lock longer", () => {
  const { path } = placeLock("", -60_000);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 9000 });
  expect(staleIdentity(pidLockOnDisk(path))).toBeUndefined();
  vi.setSystemTime(Date.now() + 1100);
  expect(staleIdentity(pidLockOnDisk(path))).toBe(lockIdentity(path));
});

test("[REG-9] a lock that is dated in the future is judged by its holder", () => {
  for (const [text, stale] of [
    [`${process.ppid}`, false],
    [`${deadPid()}`, true],
    [`${process.pid}`, true],
    ["", true],
  ] as const) {
    const { path } = placeLock(text);
    // As if the clock had been set back by a minute since.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 60_000 });
    expect(staleIdentity(pidLockOnDisk(path)) !== undefined, text).toBe(stale);
    vi.useRealTimers();
  }
});

test("a lock with this process's pid that is older than this process is an earlier one's", () => {
  const { path } = placeLock(`${process.pid}`);
  expect(staleIdentity(pidLockOnDisk(path))).toBeUndefined();
  backdate(path, process.uptime() * 1000 + 1000);
  expect(staleIdentity(pidLockOnDisk(path))).toBe(lockIdentity(path));
});

test("a missing lock is not stale", () => {
  const path = join(temporaryDirectory(), "a.lock");
  expect(staleIdentity(pidLockOnDisk(path))).toBeUndefined();
  expect(breakStaleLock(pidLockOnDisk(path))).toBe(false);
});

test("breaking removes a stale lock and leaves nothing behind", () => {
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

test("only the holder of the claim breaks the lock", () => {
  const { directory, path } = placeLock(`${deadPid()}`);
  writeFileSync(`${path}.breaking`, `${process.pid}`);
  expect(breakStaleLock(pidLockOnDisk(path))).toBe(false);
  expect(readdirSync(directory)).toEqual(["a.lock", "a.lock.breaking"]);
});

test("removes the claim of a dead owner, and the next try breaks the lock", () => {
  const { directory, path } = placeLock(`${deadPid()}`);
  writeFileSync(`${path}.breaking`, `${deadPid()}`);
  expect(breakStaleLock(pidLockOnDisk(path))).toBe(false);
  expect(readdirSync(directory)).toEqual(["a.lock"]);
  expect(breakStaleLock(pidLockOnDisk(path))).toBe(true);
  expect(readdirSync(directory)).toEqual([]);
});

test("puts back a lock that another process took after the check", () => {
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

test("accepts that the owner releases the lock after the check", () => {
  const { path } = placeLock("1");
  const judged = lockIdentity(path) ?? "";
  renameSync(path, `${path}.gone`);
  expect(removeJudged(path, judged)).toBe(false);
});

test("age and identity belong to the same lock, also if it is replaced during the check", () => {
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

test("a pid file contains the pid as text and is private", () => {
  const path = join(temporaryDirectory(), "a.lock");
  expect(makePidFile(path)).toBe(true);
  expect(readFileSync(path, "utf8")).toBe(`${process.pid}`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readPid(path)).toBe(process.pid);
});

test("leaves a taken path alone", () => {
  const path = join(temporaryDirectory(), "a.lock");
  writeFileSync(path, "12");
  chmodSync(path, 0o644);
  expect(makePidFile(path)).toBe(false);
  expect(readFileSync(path, "utf8")).toBe("12");
});

test("throws the system's error if the file cannot be created", () => {
  expect(() => makePidFile(join(temporaryDirectory(), "missing", "a.lock"))).toThrow(/ENOENT/);
});

test("ignores white space around a pid; anything else is not a pid", () => {
  const path = join(temporaryDirectory(), "a.lock");
  writeFileSync(path, " 123\n");
  expect(readPid(path)).toBe(123);
  for (const text of ["", "abc", "-5", "1.5", "12 34", '{"pid":1}', "9".repeat(30)]) {
    writeFileSync(path, text);
    expect(readPid(path)).toBeUndefined();
  }
  expect(readPid(`${path}.missing`)).toBeUndefined();
});
