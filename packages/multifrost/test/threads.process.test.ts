// Threads that end with a live parent or child: the process lives, the worker ends. Over zeromq the process is aborted.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

/** A new directory, removed with the test. */
function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "multifrost-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs a program of Node to its end. */
async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: unknown; stdout: string }> {
  const child = spawn(process.execPath, args, {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { ...process.env, MULTIFROST_TRANSPORT: "zmtp", HOME: temporaryDirectory(), ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  const [code, signal] = await once(child, "close");
  return { code: code ?? signal, stdout };
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
}

/** Waits until a process is gone or a zombie. */
async function untilGone(pid: number): Promise<void> {
  await expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

describe("a thread with a live worker: the process lives and the worker ends, if the thread", () => {
  const gone = "the worker has ended, the process lives\n";
  it.each([
    ["stop", gone],
    ["falls off its end", gone],
    ["process.exit", gone],
    ["uncaught exception", `the end of the thread\n${gone}`],
    ["terminate", gone],
    ["with a call under way", gone],
    ["while it starts", gone],
  ])("%s", async (way, stdout) => {
    const go = join(temporaryDirectory(), "go");
    expect(await run([fixture("thread-with-parent.mjs"), way, go])).toEqual({ code: 0, stdout });
  });

  it("ends with its process", async () => {
    const { code, stdout } = await run([fixture("thread-with-parent.mjs"), "the process exits", "/nowhere"]);
    expect(code).toBe(0);
    await untilGone(Number(stdout));
  });
});

describe("a thread with a live service: the process lives and the call rejects, if the thread", () => {
  it.each([
    ["process.exit", ""],
    ["uncaught exception", "the end of the thread\n"],
    ["terminate", ""],
  ])("%s", async (way, before) => {
    const stdout = `${before}ConnectionError\nthe process lives\n`;
    expect(await run([fixture("thread-with-service.mjs"), way])).toEqual({ code: 0, stdout });
  });
});

it("vitest --pool=threads with a test that leaves its worker running passes, and the worker ends", async () => {
  const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
  const pidFile = join(temporaryDirectory(), "pid");
  const args = [vitest, "run", "--root", fixture("threads-pool"), "--pool=threads"];
  const { code, stdout } = await run(args, { PID_FILE: pidFile });
  expect(code, stdout).toBe(0);
  await untilGone(Number(readFileSync(pidFile, "utf8")));
});
