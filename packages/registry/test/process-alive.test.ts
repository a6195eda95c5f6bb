import { expect, test, vi } from "vitest";
import { isProcessAlive } from "../src/process-alive.js";
import { deadPid } from "./support/processes.js";

test("this process and its parent are alive", () => {
  expect(isProcessAlive(process.pid)).toBe(true);
  expect(isProcessAlive(process.ppid)).toBe(true);
});

test("a process that has ended is dead", () => {
  expect(isProcessAlive(deadPid())).toBe(false);
});

test.each([0, -1, -process.pid, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40])(
  "%d is the pid of no process",
  (pid) => {
    expect(isProcessAlive(pid)).toBe(false);
  },
);

test("a process of another user, which this one may not signal, is alive", () => {
  const kill = vi.spyOn(process, "kill").mockImplementation(() => {
    throw Object.assign(new Error("kill EPERM"), { code: "EPERM" });
  });
  try {
    expect(isProcessAlive(4242)).toBe(true);
    expect(kill).toHaveBeenCalledWith(4242, 0);
  } finally {
    kill.mockRestore();
  }
});
