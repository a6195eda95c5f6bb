import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { until } from "./until.js";

/** The path of a fixture. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

/** Whether a process runs. One that has ended and was not waited for by its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch (error) {
    // Without /proc the signal alone has to tell.
    return (error as NodeJS.ErrnoException).path !== undefined && process.platform !== "linux";
  }
}

/** The pid of a process that a test expects to end by itself; ended after the test if it does not. */
export function watched(pid: number): number {
  onTestFinished(() => {
    if (isAlive(pid)) {
      process.kill(pid, "SIGKILL");
    }
  });
  return pid;
}

/** Waits until a process is gone. */
export async function gone(pid: number): Promise<void> {
  await until(() => !isAlive(pid), `process ${pid} to end`);
}

/** A real process that was started, and what it has written so far. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly out: { stdout: string; stderr: string };
  /** Resolves when it has ended and its output is read. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Runs a fixture with plain node, as users do. Killed after the test if it still runs. */
export function run(name: string, options: { args?: string[]; env?: NodeJS.ProcessEnv } = {}): Running {
  return runIn(process.execPath, [], name, options.args, options.env);
}

/** Runs a fixture behind a program and its arguments. */
export function runIn(
  program: string,
  before: readonly string[],
  name: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Running {
  const child = spawn(program, [...before, fixture(name), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const out = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    out.stderr += text;
  });
  const ended = once(child, "close").then(([code, signal]) => ({ code, signal }));
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
    }
    await ended;
  });
  return { child, pid: child.pid as number, out, ended };
}

/** Waits for a line of output that matches, and gives what is in its first parentheses. */
export async function said({ out }: Running, pattern: RegExp): Promise<string> {
  await until(
    () => pattern.test(out.stdout) || pattern.test(out.stderr),
    () => `${pattern} in ${JSON.stringify(out)}`,
  );
  return (pattern.exec(out.stdout) ?? pattern.exec(out.stderr))?.[1] ?? "";
}
