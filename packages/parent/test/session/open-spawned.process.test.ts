// Starting real processes: what is run, when `start()` resolves, and the whole message of every way in which it fails.

import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { SpawnError } from "@multifrost/protocol/errors";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type Executable, ParentWorker, type SpawnOptions } from "../../src/index.js";
import { fixture, gone, isAlive, watched } from "../support/processes.js";
import { type Answering, spawnFixture, startFixture } from "../support/spawned.js";
import { temporaryDirectory } from "../support/temp-directory.js";
import { errorOf, until } from "../support/until.js";

const node = process.execPath;

function spawnAt<T = Answering>(path: string | URL, executable?: Executable | SpawnOptions, options?: SpawnOptions) {
  const worker = ParentWorker.spawn<T>(path, executable, { logger: false, ...options });
  worker.on("stderr", () => {});
  onTestFinished(() => worker.stop());
  return worker;
}

/** The answering fixture in a directory whose name has spaces and quotes. */
function fixtureInOddPlace(): string {
  const directory = temporaryDirectory("it's a place, with #");
  const path = join(directory, "a worker.mjs");
  writeFileSync(path, `import ${JSON.stringify(pathToFileURL(fixture("answers-calls.mjs")).href)};`);
  return path;
}

describe("spawning", () => {
  it("[LIFE-1] runs nothing before start(); after it the worker has a pid, answers, and is healthy", async () => {
    const worker = spawnFixture();
    expect(worker.pid).toBeUndefined();
    expect(worker.state).toBe("idle");
    await worker.start();
    expect(worker.isHealthy).toBe(true);
    expect(await worker.call.pid()).toBe(worker.pid);
    expect(await worker.call.add(1, 2)).toBe(3);
    expect(worker.lastHeartbeatRttMs).toBeGreaterThan(0);
  });

  it("[LIFE-1] start() is no fixed delay: it resolves shortly after the worker can be reached", async () => {
    const delays: number[] = [];
    for (let round = 0; round < 3; round++) {
      const worker = await startFixture();
      const resolvedAt = Date.now();
      delays.push(resolvedAt - (await worker.call.reachableSince()));
      await worker.stop();
    }
    // The least of three, so that a busy machine is not taken for a delay.
    expect(Math.min(...delays)).toBeLessThan(250);
  });

  it("[LIFE-1] start() waits for a worker that takes its time, and the first call after it is answered", async () => {
    const worker = await startFixture("answers-calls.mjs", { env: { START_DELAY_MS: "1200" } });
    expect(await worker.call.withOptions({ timeout: 5_000 }).add(1, 2)).toBe(3);
  });

  it("a path with spaces, quotes and # is fine, as a path, as a URL, and in a shell", async () => {
    const path = fixtureInOddPlace();
    for (const worker of [spawnAt(path), spawnAt(pathToFileURL(path)), spawnAt(path, { shell: true, logger: false })]) {
      await worker.start();
      expect(await worker.call.add(1, 2)).toBe(3);
      await worker.stop();
    }
  });

  it("[NET-3] cwd, env and args reach the child; the environment is this process's otherwise", async () => {
    const cwd = temporaryDirectory();
    const env = { MULTIFROST_ADDED: "yes", HOME: undefined };
    const worker = await startFixture("answers-calls.mjs", { cwd, env, args: ["--fast", "two words", "$HOME"] });
    expect(await worker.call.cwd()).toBe(cwd);
    expect(await worker.call.args()).toEqual(["--fast", "two words", "$HOME"]);
    expect(await worker.call.env("MULTIFROST_ADDED")).toBe("yes");
    expect(await worker.call.env("HOME")).toBeUndefined();
    expect(await worker.call.env("PATH")).toBe(process.env.PATH);
  });

  it("[NET-9] what the parent gave the worker is gone from its environment, so that its own processes do not inherit it", async () => {
    const worker = await startFixture();
    for (const name of ["COMLINK_ZMQ_PORT", "COMLINK_WORKER_MODE", "MULTIFROST_ENDPOINT", "MULTIFROST_TOKEN"]) {
      expect(await worker.call.env(name)).toBeUndefined();
    }
  });

  it("an executable with leading arguments gets them", async () => {
    const worker = spawnAt(fixture("answers-calls.mjs"), [node, "--stack-size=2000"]);
    await worker.start();
    expect(await worker.callFunction("execArgv")).toEqual(["--stack-size=2000"]);
  });

  it("a script without a known extension is run itself", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "worker");
    writeFileSync(path, `#!/bin/sh\nexec "${node}" "${fixture("answers-calls.mjs")}" "$@"\n`);
    chmodSync(path, 0o700);
    const worker = spawnAt(path, { args: ["x"], logger: false });
    await worker.start();
    expect(await worker.call.args()).toEqual(["x"]);
  });

  it("a TypeScript worker runs without a build", async () => {
    const worker = spawnAt<{ next(value: number): number }>(fixture("answers-calls.ts"), [
      node,
      "--import",
      pathToFileURL(fileURLToPath(import.meta.resolve("tsx"))).href,
    ]);
    await worker.start();
    expect(await worker.call.next(1)).toBe(3);
  });

  it("a TypeScript worker is run by Node itself, or by the tsx installed near the script", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "node_modules"));
    symlinkSync(dirname(dirname(fileURLToPath(import.meta.resolve("tsx")))), join(directory, "node_modules", "tsx"));
    const path = join(directory, "worker.mts");
    copyFileSync(fixture("answers-calls.mjs"), path);
    const child = pathToFileURL(fixture("../../../child/dist/index.js")).href;
    writeFileSync(
      path,
      `import { ChildWorker } from ${JSON.stringify(child)};
       class Typed extends ChildWorker { twice(value: number): number { return value * 2; } }
       new Typed().run();`,
    );
    const worker = spawnAt<{ twice(value: number): number }>(path);
    await worker.start();
    expect(await worker.call.twice(4)).toBe(8);
  });
});

describe("a start that fails", () => {
  it("program not found", async () => {
    const path = fixture("answers-calls.mjs");
    const error = await errorOf<SpawnError>(spawnAt(path, "no-such-program").start());
    expect(error).toBeInstanceOf(SpawnError);
    expect(error).toMatchObject({
      code: "PROGRAM_NOT_FOUND",
      exitCode: null,
      signal: null,
      stderrTail: "",
      command: `no-such-program ${path}`,
      cause: { code: "ENOENT" },
    });
    expect(error.message).toBe(
      `The program 'no-such-program' was not found, so the worker was not started (no-such-program ${path}). Install it, ` +
        "or name another as the second argument of ParentWorker.spawn().",
    );
  });

  it("program that may not be run", async () => {
    const path = join(temporaryDirectory(), "worker");
    writeFileSync(path, "#!/bin/sh\n");
    const error = await errorOf<SpawnError>(spawnAt(path).start());
    expect(error).toMatchObject({ code: "SPAWN_FAILED", command: path });
    expect(error.message).toBe(
      `The worker could not be started (${path}): spawn ${path} EACCES. Make it executable (chmod +x), or name the ` +
        "program that runs it as the second argument of ParentWorker.spawn().",
    );
  });

  it("script not found", async () => {
    const path = join(temporaryDirectory(), "nonesuch.mjs");
    const error = await errorOf<SpawnError>(spawnAt(path).start());
    expect(error).toMatchObject({ code: "SCRIPT_NOT_FOUND", command: path, exitCode: null });
    expect(error.message).toBe(
      `There is no worker script at ${path}. A relative path starts from ${process.cwd()}; to start from the calling ` +
        "file use new URL('./worker.js', import.meta.url).",
    );
  });

  it("script throws on import", async () => {
    const path = fixture("crashes-on-import.mjs");
    const error = await errorOf<SpawnError>(spawnAt(path).start());
    expect(error).toMatchObject({ code: "EXITED_EARLY", exitCode: 1, signal: null, command: `${node} ${path}` });
    const message = error.message.replace(/\n {4}at .*/g, "").replace(/\nNode\.js v.*/, "\nNode.js v…");
    expect(message).toBe(
      `The worker ended before it could be reached (exit code 1): ${node} ${path}\nThe last it wrote to stderr:\n` +
        `${pathToFileURL(path).href}:1\nthrow new TypeError("the import went wrong");\n      ^\n\n` +
        "TypeError: the import went wrong\n\nNode.js v…",
    );
  });

  it("a Python without a module, of a .venv next to the script: names the interpreter, and the log said where it is from", async () => {
    const directory = temporaryDirectory();
    const interpreter = join(directory, ".venv", "bin", "python");
    mkdirSync(dirname(interpreter), { recursive: true });
    writeFileSync(interpreter, "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'multifrost'\" >&2\nexit 1\n");
    chmodSync(interpreter, 0o755);
    writeFileSync(join(directory, "worker.py"), "");
    const info = vi.fn();
    const logger = { info, warn: () => {}, error: () => {} };
    const worker = spawnAt(join(directory, "worker.py"), { env: { VIRTUAL_ENV: undefined }, logger });
    const error = await errorOf<SpawnError>(worker.start());
    expect(error).toMatchObject({ code: "EXITED_EARLY", command: `${interpreter} ${join(directory, "worker.py")}` });
    expect(error.message).toContain(`The interpreter ${interpreter} has no module 'multifrost'. Install it there, or`);
    const message = "Started worker.py with the Python of the .venv next to it.";
    expect(info).toHaveBeenCalledWith(expect.objectContaining({ event: "process_spawn", message }), message);
  });

  it("execArgv reaches this Node", async () => {
    const worker = spawnAt(fixture("answers-calls.mjs"), { execArgv: ["--title=multifrost-test"] });
    await worker.start();
    expect(await worker.call.execArgv()).toEqual(["--title=multifrost-test"]);
  });

  it("child exits before it connects, writing nothing", async () => {
    const path = fixture("exits-before-connecting.mjs");
    const error = await errorOf<SpawnError>(spawnAt(path).start());
    expect(error).toMatchObject({ code: "EXITED_EARLY", exitCode: 3, signal: null, stderrTail: "" });
    expect(error.message).toBe(
      `The worker ended before it could be reached (exit code 3): ${node} ${path}\n` +
        "It wrote nothing to stderr. Check that the script ends with `new MyWorker().run()`.",
    );
  });

  it("the last 4 KiB that it wrote are in the error, including an unfinished line", async () => {
    const error = await errorOf<SpawnError>(spawnAt(fixture("writes-much-then-exits.mjs")).start());
    expect(error.stderrTail).toMatch(/line 1998\nline 1999\nünfinished$/);
    const bytes = Buffer.byteLength(error.stderrTail);
    expect(bytes).toBeGreaterThan(4000);
    expect(bytes).toBeLessThanOrEqual(4096);
    expect(error.message.endsWith(`The last it wrote to stderr:\n${error.stderrTail}`)).toBe(true);
  });

  it("rejects promptly when the child ends, long before startTimeout", async () => {
    const before = performance.now();
    await errorOf(spawnAt(fixture("exits-before-connecting.mjs")).start());
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it("start timeout: the child is ended, and the last it wrote is in the error", async () => {
    const path = fixture("never-connects.mjs");
    const lines: string[] = [];
    const worker = spawnAt(path, { startTimeout: 700, logger: false });
    let pid = 0;
    worker.on("stderr", (line) => lines.push(line));
    worker.on("exit", () => {
      pid = -1;
    });
    const error = await errorOf<SpawnError>(worker.start());
    expect(error).toMatchObject({ code: "START_TIMEOUT", signal: "SIGTERM", command: `${node} ${path}` });
    expect(error.uptimeMs).toBeGreaterThanOrEqual(600);
    expect(error.message).toBe(
      `The worker did not connect within 700 ms (startTimeout) and was ended: ${node} ${path}\n` +
        "Check that the script calls `new MyWorker().run()`; a slow start needs a larger startTimeout.\n" +
        "The last it wrote to stderr:\nwaiting for something else",
    );
    expect(lines).toEqual(["waiting for something else"]);
    expect(pid).toBe(-1);
  });

  it("may be repeated, when what was missing is there", async () => {
    const path = join(temporaryDirectory(), "worker.mjs");
    const worker = spawnAt(path);
    expect(await errorOf(worker.start())).toMatchObject({ code: "SCRIPT_NOT_FOUND" });
    expect(worker.state).toBe("idle");
    writeFileSync(path, "process.exit(1)");
    expect(await errorOf(worker.start())).toMatchObject({ code: "EXITED_EARLY" });
    writeFileSync(path, `import ${JSON.stringify(pathToFileURL(fixture("answers-calls.mjs")).href)};`);
    await worker.start();
    expect(await worker.call.add(2, 2)).toBe(4);
  });

  it("stop() while it starts: start() rejects, and the process is ended", async () => {
    const worker = spawnAt(fixture("never-connects.mjs"), { name: "slow", logger: false });
    let started = false;
    worker.once("stderr", () => {
      started = true;
    });
    const starting = errorOf(worker.start());
    await until(() => started);
    const exited = new Promise((resolve) => worker.once("exit", resolve));
    await worker.stop();
    expect(await exited).toMatchObject({ signal: "SIGTERM" });
    expect(await starting).toMatchObject({
      code: "NOT_RUNNING",
      message: "slow was stopped while it was starting.",
    });
  });

  it("stop() at once after start(), before there is a process: nothing is left either", async () => {
    const worker = spawnAt(fixture("answers-calls.mjs"));
    const starting = errorOf(worker.start());
    await worker.stop();
    expect(await starting).toMatchObject({ code: "NOT_RUNNING" });
    expect(worker.state).toBe("stopped");
  });
});

describe("processes that the worker starts", () => {
  it("[LIFE-6] `shell: true`: the worker in the shell ends with stop()", async () => {
    const worker = await startFixture("answers-calls.mjs", { shell: true, args: ["; true"] });
    const pid = watched(await worker.call.pid());
    expect(pid).not.toBe(worker.pid);
    await worker.stop();
    await gone(pid);
  });

  it("[LIFE-6] a wrapper script that stays in front: the worker behind it ends with stop()", async () => {
    const script = fixture("answers-calls.mjs");
    const worker = spawnAt(fixture("run-in-shell.sh"), { env: { NODE_BINARY: node, WORKER_SCRIPT: script } });
    await worker.start();
    const pid = watched(await worker.call.pid());
    expect(pid).not.toBe(worker.pid);
    await worker.stop();
    await gone(pid);
  });

  it("a wrapper that ends at SIGTERM before a worker that does not: the worker ends too", async () => {
    const script = fixture("ignores-sigterm.mjs");
    const worker = spawnAt<{ pid(): number }>(fixture("run-in-shell.sh"), {
      env: { NODE_BINARY: node, WORKER_SCRIPT: script },
      logger: false,
    });
    await worker.start();
    const pid = watched(await worker.call.pid());
    await worker.stop();
    await gone(pid);
  });

  it("a wrapper that is killed: the worker behind it ends too", async () => {
    const script = fixture("ignores-sigterm.mjs");
    const worker = spawnAt<{ pid(): number }>(fixture("run-in-shell.sh"), {
      env: { NODE_BINARY: node, WORKER_SCRIPT: script },
      logger: false,
    });
    await worker.start();
    const pid = watched(await worker.call.pid());
    process.kill(worker.pid as number, "SIGKILL");
    await gone(pid);
    await until(() => worker.state === "exited");
  });

  it("a helper that the worker has started does not outlive it, and does not hold up stop()", async () => {
    const worker = await startFixture();
    const helper = watched(await worker.call.helper());
    expect(isAlive(helper)).toBe(true);
    await worker.stop();
    await gone(helper);
  });
});
