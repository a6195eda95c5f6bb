import { expect, test, vi } from "vitest";
import { bootId, isProcessAlive, runningProcess } from "../src/running-process.js";
import { deadPid, startZombie } from "./support/processes.js";

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

test.runIf(process.platform === "linux")(
  "a zombie is dead: it has ended, and only its parent has not looked",
  async () => {
    expect(isProcessAlive(await startZombie())).toBe(false);
  },
);

test.runIf(process.platform === "linux")(
  "Linux says when a process started and in which boot, the same each time",
  () => {
    const own = runningProcess(process.pid);
    expect(own?.started).toMatch(/^\d+$/);
    expect(runningProcess(process.pid)).toEqual(own);
    expect(Number(runningProcess(process.ppid)?.started)).toBeLessThanOrEqual(Number(own?.started));
    expect(bootId()).toMatch(/^[0-9a-f-]{36}$/);
  },
);

test("elsewhere a process only runs", () => {
  const platform = vi.spyOn(process, "platform", "get").mockReturnValue("darwin");
  try {
    expect(runningProcess(process.pid)).toEqual({});
    expect(bootId()).toBeUndefined();
  } finally {
    platform.mockRestore();
  }
});

test("a /proc of other processes says nothing", () => {
  const pid = vi.spyOn(process, "pid", "get").mockReturnValue(1);
  try {
    expect(runningProcess(process.ppid)).toEqual({});
  } finally {
    pid.mockRestore();
  }
});
