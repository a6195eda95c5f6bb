import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makePidFile, readPid } from "../src/pid-file.js";
import { temporaryDirectory } from "./support/temp-directory.js";

test("a pid file holds the pid in text, for this user alone", () => {
  const path = join(temporaryDirectory(), "a.lock");
  expect(makePidFile(path)).toBe(true);
  expect(readFileSync(path, "utf8")).toBe(`${process.pid}`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readPid(path)).toBe(process.pid);
});

test("a path that is taken is left alone", () => {
  const path = join(temporaryDirectory(), "a.lock");
  writeFileSync(path, "12");
  chmodSync(path, 0o644);
  expect(makePidFile(path)).toBe(false);
  expect(readFileSync(path, "utf8")).toBe("12");
});

test("where no file can be made, the system's error is thrown", () => {
  expect(() => makePidFile(join(temporaryDirectory(), "missing", "a.lock"))).toThrow(/ENOENT/);
});

test("white space around a pid does not matter; anything else is no pid", () => {
  const path = join(temporaryDirectory(), "a.lock");
  writeFileSync(path, " 123\n");
  expect(readPid(path)).toBe(123);
  for (const text of ["", "abc", "-5", "1.5", "12 34", '{"pid":1}', "9".repeat(30)]) {
    writeFileSync(path, text);
    expect(readPid(path)).toBeUndefined();
  }
  expect(readPid(`${path}.missing`)).toBeUndefined();
});
