// Real processes that end in the usual ways, and what the `exit` event and the errors say about it.

import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ExitDetails, SpawnError, WorkerExitedError } from "@multifrost/protocol/errors";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Executable, ParentWorker, type SpawnOptions } from "../../src/index.js";
import { fixture } from "../support/processes.js";
import { startFixture } from "../support/spawned.js";
import { temporaryDirectory } from "../support/temp-directory.js";
import { errorOf } from "../support/until.js";

const child = pathToFileURL(fixture("../../../child/dist/index.js")).href;

const TAKEN_PORT =
  "import { createServer } from 'node:net'; const one = createServer().listen(0, () => createServer().listen(one.address().port));";

/** A script in a directory that is removed after the test. */
function script(name: string, text: string): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, text);
  return path;
}

/** The script of a worker with this code as the body of its method `go`. */
function going(body: string): string {
  return script(
    "worker.mjs",
    `import { ChildWorker } from ${JSON.stringify(child)};\nclass Going extends ChildWorker { async go() { ${body} } }\nnew Going().run();\n`,
  );
}

async function started(path: string, options: SpawnOptions = {}): Promise<ParentWorker> {
  const worker = quiet(path, undefined, options);
  await worker.start();
  return worker;
}

function quiet(path: string, executable?: Executable, options: SpawnOptions = {}): ParentWorker {
  const worker = ParentWorker.spawn(path, executable, { logger: false, ...options });
  worker.on("stdout", () => {});
  worker.on("stderr", () => {});
  onTestFinished(() => worker.stop());
  return worker;
}

/** What the error of a call and the event say about the end of a worker that calls `go`. */
async function endOf(worker: ParentWorker): Promise<ExitDetails> {
  const exit = new Promise<ExitDetails>((resolve) => worker.once("exit", resolve));
  const error = await errorOf(worker.callFunction("go"));
  const { exitCode, signal, stderrTail, stdoutTail, command, uptimeMs, callsInFlight, hint } = await exit;
  const said = { exitCode, signal, stderrTail, stdoutTail, command, uptimeMs, callsInFlight, hint };
  expect(error).toMatchObject({ code: "WORKER_EXITED", ...said });
  return said;
}

describe("a worker that ends while it is called", () => {
  it("is described with its code, uptime, calls in flight, the ends of both streams, and its command", async () => {
    const worker = await startFixture();
    worker.on("stdout", () => {});
    worker.on("stderr", () => {});
    const exits: ExitDetails[] = [];
    worker.on("exit", (exit) => exits.push(exit));
    const others = [worker.call.hang(), worker.call.hang()].map((call) => errorOf(call));
    await worker.call.print("stdout", "the last step was 7");
    const error = await errorOf<WorkerExitedError>(worker.call.exit(5, "no paper left"));
    expect(error).toMatchObject({
      code: "WORKER_EXITED",
      exitCode: 5,
      signal: null,
      callsInFlight: 3,
      stdoutTail: "the last step was 7",
      stderrTail: "no paper left",
      command: expect.stringContaining("answers-calls.mjs"),
      hint: undefined,
    });
    expect(error.uptimeMs).toBeGreaterThan(0);
    expect(await Promise.all(others)).toEqual(Array(2).fill(expect.objectContaining({ callsInFlight: 3 })));
    expect(exits).toEqual([expect.objectContaining({ callsInFlight: 3, uptimeMs: error.uptimeMs })]);
  });

  it.each([
    ["SIGKILL", /^It was killed from outside/],
    ["SIGSEGV", /^Native code crashed/],
    ["SIGBUS", /^Native code crashed/],
    ["SIGILL", /instruction that this processor does not have/],
    ["SIGABRT", /abort\(\)/],
  ])("by %s", async (signal, hint) => {
    const worker = await started(going(`process.kill(process.pid, "${signal}"); await new Promise(() => {});`));
    expect(await endOf(worker)).toMatchObject({ exitCode: null, signal, hint: expect.stringMatching(hint) });
  });

  it("by a full heap", async () => {
    const worker = await started(going("const kept = []; for (;;) kept.push(new Array(10_000).fill({}));"), {
      execArgv: ["--max-old-space-size=40"],
    });
    expect((await endOf(worker)).hint).toMatch(/^Its JavaScript heap was full.*--max-old-space-size/);
  });

  it("by an import that fails later", async () => {
    const worker = await started(going("setTimeout(() => import('nonesuch-package')); await new Promise(() => {});"));
    expect((await endOf(worker)).hint).toMatch(/no package 'nonesuch-package': npm install/);
  });

  it("by process.exit(0)", async () => {
    const worker = await started(going("process.exit(0);"));
    expect((await endOf(worker)).hint).toMatch(/^It ended by itself without an error/);
  });

  it("behind a shell, by a signal to the worker alone", async () => {
    const path = going("process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});");
    const wrapper = script("worker", `#!/bin/sh\n"${process.execPath}" "${path}"\nexit $?\n`);
    chmodSync(wrapper, 0o700);
    const exit = await endOf(await started(wrapper));
    expect(exit).toMatchObject({ exitCode: 137, hint: expect.stringMatching(/^It was killed from outside/) });
  });

  it("because stop() ends it has no hint", async () => {
    const worker = await startFixture();
    const exit = new Promise<ExitDetails>((resolve) => worker.once("exit", resolve));
    await worker.stop();
    expect(await exit).toMatchObject({ hint: undefined, callsInFlight: 0 });
  });

  it("is warned of with the hint, uptime and calls in flight", async () => {
    const lines: string[] = [];
    const logger = { info() {}, warn: (_record: object, message = "") => void lines.push(message), error() {} };
    const worker = await started(going("process.exit(0);"), { logger });
    await endOf(worker);
    expect(lines.find((line) => line.includes("ended"))).toMatch(
      /^The process of worker\.mjs ended \(exit code 0\) after [\d.]+ s with 1 calls in flight\. It ended by itself/,
    );
  });
});

describe("a worker that cannot be started", () => {
  it.each([
    ["a missing package", "worker.mjs", "import 'nonesuch-package';", /npm install nonesuch-package/],
    ["a missing file", "worker.mjs", "import './nonesuch.mjs';", /nonesuch\.mjs, which does not exist/],
    ["the other kind of module", "worker.cjs", "import 'node:fs';", /\.mjs or \.cjs/],
    ["a syntax error", "worker.mjs", "class {", /cannot read the script/],
    ["a taken port", "worker.mjs", TAKEN_PORT, /address that it listens on is taken/],
    [
      "a file it may not read",
      "worker.mjs",
      "throw Object.assign(new Error('EACCES: permission denied, open x'));",
      /rights/,
    ],
    ["a top-level await without end", "worker.mjs", "await new Promise(() => {});", /top level that never settles/],
  ])("for %s", async (_cause, name, text, hint) => {
    const error = await errorOf<SpawnError>(quiet(script(name, text)).start());
    expect(error).toMatchObject({ code: "EXITED_EARLY", hint: expect.stringMatching(hint) });
    expect(error.message).toContain(error.hint);
    expect(error.uptimeMs).toBeGreaterThan(0);
  });

  it("for an option that Node does not know", async () => {
    const error = await errorOf(quiet(fixture("answers-calls.mjs"), undefined, { execArgv: ["--nonesuch"] }).start());
    expect(error).toMatchObject({ hint: expect.stringMatching(/option --nonesuch/) });
  });

  it("for a program of another system", async () => {
    const path = script("worker", "\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    chmodSync(path, 0o700);
    const error = await errorOf(quiet(path).start());
    expect(error.message).toMatch(/built for another system or processor/);
  });

  it("for a first line that names no program", async () => {
    const path = script("worker", "#!/nonesuch/program\n");
    chmodSync(path, 0o700);
    const error = await errorOf(quiet(path).start());
    expect(error).toMatchObject({ code: "PROGRAM_NOT_FOUND", message: expect.stringMatching(/first line \(#!\)/) });
  });

  it("for a first line that Windows ended", async () => {
    const path = script("worker", "#!/usr/bin/env node\r\n");
    chmodSync(path, 0o700);
    expect(await errorOf(quiet(path).start())).toMatchObject({ exitCode: 127, hint: expect.stringMatching(/CR/) });
  });

  it("for a program that may not run", async () => {
    const error = await errorOf(quiet(script("worker", "#!/bin/sh\n")).start());
    expect(error).toMatchObject({ code: "SPAWN_FAILED", message: expect.stringMatching(/chmod \+x/) });
  });

  it("in a shell, for a program that is not there or may not run", async () => {
    const missing = await errorOf(quiet(fixture("answers-calls.mjs"), "nonesuch", { shell: true }).start());
    expect(missing).toMatchObject({ exitCode: 127, hint: expect.stringMatching(/found no such program/) });
    const forbidden = await errorOf(quiet(script("worker", "#!/bin/sh\n"), undefined, { shell: true }).start());
    expect(forbidden).toMatchObject({ exitCode: 126, hint: expect.stringMatching(/rights/) });
  });
});

describe.runIf(process.env.CI === "true" || spawnSync("python3", ["--version"]).status === 0)("a Python worker", () => {
  it.each([
    ["a missing module", "import nonesuch_module", /no module 'nonesuch_module'/],
    ["a full memory", "raise MemoryError()", /could not get memory/],
    ["a file it may not read", "raise PermissionError(13, 'Permission denied')", /rights/],
    [
      "a taken address",
      "import socket\na = socket.create_server(('127.0.0.1', 0))\nsocket.create_server(a.getsockname())",
      /is taken/,
    ],
    ["a syntax of another version", "print 'two'", /python3 --version/],
    ["a missing library", "import ctypes\nctypes.CDLL('libnonesuch.so.1')", /native library libnonesuch/],
  ])("that fails for %s", async (_cause, text, hint) => {
    const error = await errorOf(quiet(script("worker.py", text), "python3").start());
    expect(error).toMatchObject({ code: "EXITED_EARLY", hint: expect.stringMatching(hint) });
  });
});
