// The processes of one pair: a service in the background, a parent that reports line by line. Each ends, at the
// latest with the run.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createFileRegistry } from "@multifrost/registry";
import { type Command, environment } from "./languages.ts";

/** How long one parent may take for all its cases, in milliseconds. */
const PARENT_MS = 150_000;

/** How long a service may take to register, and to end, in milliseconds. */
const SERVICE_MS = 20_000;

/** Characters of a parent's stderr that a failure shows. */
const TAIL = 1500;

/** A parent's report about a case. */
export interface Line {
  readonly case: string;
  readonly ok: boolean;
  readonly detail?: string;
  /** The worker's process, in `parent-crash` and `service-restart`. */
  readonly pid?: number;
}

const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((child) => void child.kill("SIGKILL")));

/** A temporary home folder, so that every pair has a private registry. */
export async function withHome<R>(use: (home: string) => Promise<R>): Promise<R> {
  const home = mkdtempSync(join(tmpdir(), "multifrost-"));
  try {
    return await use(home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** A running parent. */
export interface RunningParent {
  readonly child: ChildProcess;
  /** Its lines, until it ends. */
  readonly lines: AsyncIterable<Line>;
  /** How it ended, and the end of its stderr. */
  ending(): string;
}

/** Starts a parent with a plan. */
export function startParent([program, ...args]: Command, plan: object, home: string): RunningParent {
  const child = start(program, [...args, JSON.stringify(plan)], home);
  const timer = setTimeout(() => child.kill("SIGKILL"), PARENT_MS);
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-TAIL);
  });
  child.once("close", () => clearTimeout(timer));
  return {
    child,
    lines: readLines(child),
    ending: () => `the parent ended with ${child.signalCode ?? `exit code ${child.exitCode}`}\n${stderr}`,
  };
}

async function* readLines(child: ChildProcess): AsyncGenerator<Line> {
  for await (const text of createInterface({ input: child.stdout! })) {
    yield parseLine(text);
  }
  if (child.exitCode === null && child.signalCode === null) {
    await once(child, "close");
  }
}

function parseLine(text: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return { case: "output", ok: false, detail: `the parent printed what is no JSON: ${text.slice(0, 200)}` };
  }
}

/** A running service. */
export interface Service {
  readonly child: ChildProcess;
  /** Sends SIGTERM unless the service has ended; resolves to its exit code, or the signal that ended it. */
  end(): Promise<number | string>;
}

/** Starts a service; resolves when it is in the registry. */
export async function startService([program, ...args]: Command, serviceId: string, home: string): Promise<Service> {
  const child = start(program, [...args, serviceId], home);
  child.stdout?.resume();
  child.stderr?.resume();
  const registry = createFileRegistry({ directory: join(home, ".multifrost") });
  await registry.discover(serviceId, { timeoutMs: SERVICE_MS }).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw error;
  });
  return {
    child,
    async end() {
      const timer = setTimeout(() => child.kill("SIGKILL"), SERVICE_MS);
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
      clearTimeout(timer);
      return child.exitCode ?? child.signalCode ?? "an unknown end";
    },
  };
}

/** Starts a service that is expected to refuse; resolves to its exit code, or the signal that ended it after 20 s. */
export async function exitCode([program, ...args]: Command, serviceId: string, home: string): Promise<number | string> {
  const child = start(program, [...args, serviceId], home);
  child.stdout?.resume();
  child.stderr?.resume();
  const timer = setTimeout(() => child.kill("SIGKILL"), SERVICE_MS);
  await once(child, "close");
  clearTimeout(timer);
  return child.exitCode ?? child.signalCode ?? "an unknown end";
}

function start(program: string, args: readonly string[], home: string): ChildProcess {
  const child = spawn(program, args, { env: environment(home), stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  child.once("close", () => running.delete(child));
  // A process that could not be started closes with an exit code below 0, which is reported like any other.
  child.on("error", () => {});
  return child;
}

/** Whether a process runs. A zombie does not. */
export function runs(pid: number): boolean {
  try {
    const state = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.[0];
    return state !== "Z" && state !== "X";
  } catch {
    return false;
  }
}

/** Waits for a condition; resolves to whether it became true in time. */
export async function holdsWithin(ms: number, condition: () => boolean): Promise<boolean> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) {
      return false;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
