// What exits and outputs of programs mean, that a test cannot make happen on every machine. Those it can are in
// exit-hint.process.test.ts.

import type { ExitDetails } from "@multifrost/protocol/errors";
import { describe, expect, it } from "vitest";
import { exitHint } from "../../src/process/exit-hint.js";

const exit = {
  exitCode: 1,
  signal: null,
  stderrTail: "",
  stdoutTail: "",
  command: "python3 worker.py",
  uptimeMs: 5,
  callsInFlight: 0,
};

function hintOf(given: Partial<ExitDetails>, own?: (stderrTail: string) => string): string {
  return exitHint({ ...exit, ...given }, own) ?? "";
}

describe("the hint of an exit", () => {
  it.each([
    [{ signal: "SIGKILL", exitCode: null }, /^It was killed from outside.* out of memory/],
    [{ exitCode: 137 }, /^It was killed from outside/],
    [{ signal: "SIGILL", exitCode: null }, /instruction that this processor does not have.* wheel/],
    [{ exitCode: 132 }, /instruction that this processor does not have/],
    [{ signal: "SIGSEGV", exitCode: null }, /^Native code crashed/],
    [{ exitCode: 139 }, /^Native code crashed/],
    [{ exitCode: 3_221_225_477 }, /^Native code crashed/],
    [{ signal: "SIGBUS", exitCode: null }, /\/dev\/shm/],
    [{ signal: "SIGABRT", exitCode: null }, /abort\(\)/],
    [{ exitCode: 134 }, /abort\(\)/],
    [{ signal: "SIGTERM", exitCode: null }, /^Another program ended it/],
    [{ exitCode: 143 }, /^Another program ended it/],
    [{ exitCode: 130 }, /^Another program ended it/],
    [{ signal: "SIGSYS", exitCode: null }, /seccomp/],
    [{ exitCode: 13, command: "/usr/bin/node worker.mjs" }, /top level that never settles/],
    [{ exitCode: 126 }, /chmod \+x/],
    [{ exitCode: 127 }, /found no such program/],
    [{ exitCode: 0 }, /^It ended by itself without an error/],
  ])("of %o", (given, expected) => expect(hintOf(given)).toMatch(expected));

  it.each([
    [
      "FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory",
      /max-old-space/,
    ],
    ["Traceback (most recent call last):\n  File …\nMemoryError", /could not get memory/],
    ["numpy.core._exceptions._ArrayMemoryError: Unable to allocate 8.0 TiB", /could not get memory/],
    ["terminate called after throwing an instance of 'std::bad_alloc'", /could not get memory/],
    ["memory allocation of 800000000 bytes failed", /could not get memory/],
    ["fatal error: runtime: out of memory", /could not get memory/],
    ["Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'left-pad' imported from /app/w.mjs", /npm install left-pad /],
    ["Error: Cannot find module '@scope/one/part'\nRequire stack:", /npm install @scope\/one /],
    [
      "Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/app/helper' imported from /app/w.mjs",
      /file \/app\/helper, which/,
    ],
    ["Error: Cannot find module './helper'", /file \.\/helper, which/],
    ["ModuleNotFoundError: No module named 'torch.nn'", /no module 'torch\.nn'/],
    ["ImportError: No module named requests", /no module 'requests'/],
    ["was compiled against a different Node.js version using\nNODE_MODULE_VERSION 108.", /npm rebuild/],
    ["ImportError: libGL.so.1: cannot open shared object file: No such file", /native library libGL\.so\.1 /],
    [
      "./worker: error while loading shared libraries: libfoo.so: cannot open shared object file",
      /native library libfoo/,
    ],
    ["/lib/libc.so.6: version `GLIBC_2.38' not found", /native library GLIBC_2\.38/],
    ["/bin/sh: 1: ./w: Exec format error", /another system or processor/],
    ["bash: ./w: cannot execute binary file", /another system or processor/],
    ["/usr/bin/env: ‘node\\r’: No such file or directory", /ends with CR/],
    ["env: 'python2': No such file or directory", /first line \(#!\) names/],
    ["bash: ./w.py: /opt/none: bad interpreter: No such file or directory", /first line \(#!\) names/],
    ["SyntaxError: Cannot use import statement outside a module", /\.mjs or \.cjs/],
    ['TypeError [ERR_UNKNOWN_FILE_EXTENSION]: Unknown file extension ".ts"', /tsx/],
    ["node: bad option: --nonesuch", /option --nonesuch: /],
    [
      '  File "w.py", line 3\n    def f(a: int) -> int:\n            ^\nSyntaxError: invalid syntax',
      /python3 --version/,
    ],
    ["Error: listen EADDRINUSE: address already in use :::8080", /address that it listens on is taken/],
    ["OSError: [Errno 98] Address already in use", /address that it listens on is taken/],
    ["Error: EACCES: permission denied, open '/srv/x'", /Check the rights/],
    ["PermissionError: [Errno 13] Permission denied: '/srv/x'", /Check the rights/],
    ["OSError: [Errno 24] Too many open files", /no file descriptors left/],
    ["OSError: [Errno 28] No space left on device", /disk is full/],
  ])("of stderr %j", (stderrTail, expected) => expect(hintOf({ stderrTail })).toMatch(expected));

  it("comes from the cause that was written last", () => {
    const stderrTail = "warning: [Errno 13] Permission denied: cache\nModuleNotFoundError: No module named 'x'";
    expect(hintOf({ stderrTail })).toMatch(/no module 'x'/);
  });

  it("comes from the program that ran the script where that knows more", () => {
    expect(hintOf({ stderrTail: "No module named 'x'" }, () => "Choose another interpreter.")).toBe(
      "Choose another interpreter.",
    );
  });

  it("does not take what was written before for the cause of a sudden end", () => {
    const stderrTail = "warning: ModuleNotFoundError: No module named 'x', going on without it";
    expect(hintOf({ exitCode: null, signal: "SIGKILL", stderrTail })).toMatch(/^It was killed from outside/);
    expect(hintOf({ exitCode: 0, stderrTail })).toMatch(/^It ended by itself/);
  });

  it("names a full memory by whatever signal the process ended", () => {
    const stderrTail = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory";
    for (const signal of ["SIGABRT", "SIGTRAP", "SIGILL"]) {
      expect(hintOf({ exitCode: null, signal, stderrTail })).toMatch(/JavaScript heap was full/);
    }
  });

  it("is none where nothing is known, and one line otherwise", () => {
    expect(exitHint({ ...exit, stderrTail: "ValueError: no" })).toBeUndefined();
    expect(exitHint({ ...exit, exitCode: 200 })).toBeUndefined();
    expect(hintOf({ exitCode: 137 })).not.toContain("\n");
  });
});
