// The processes of one pair: a service in the background, a parent that reports line by line. Each is ended, at the
// latest by the end of the run. Next: pair.ts.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createFileRegistry } from "@multifrost/registry";
import { type Command, environment } from "./languages.ts";

/** The longest that one parent takes for all it is asked, in milliseconds. */
const PARENT_MS = 150_000;

/** How long a service may take to be in the registry, and to end, in milliseconds. */
const SERVICE_MS = 20_000;

/** Characters of a parent's stderr that a failure shows. */
const TAIL = 1500;

/** What a parent says of a case. */
export interface Line {
  readonly case: string;
  readonly ok: boolean;
  readonly detail?: string;
  /** The worker's process, in `parent-crash`. */
  readonly pid?: number;
}

const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((child) => void child.kill("SIGKILL")));

/** A home of its own for a while, so that every pair has a registry of its own. */
export async function withHome<R>(use: (home: string) => Promise<R>): Promise<R> {
  const home = mkdtempSync(join(tmpdir(), "multifrost-"));
  try {
    return await use(home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** A parent at work. */
export interface RunningParent {
  readonly child: ChildProcess;
  /** Its lines, until it ends. */
  readonly lines: AsyncIterable<Line>;
  /** How it ended and the last of what it wrote to stderr. */
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
  /** Its exit code, or the signal that ended it; SIGTERM is sent unless it has ended by itself. */
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

function start(program: string, args: readonly string[], home: string): ChildProcess {
  const child = spawn(program, args, { env: environment(home), stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  child.once("close", () => running.delete(child));
  // What could not be started closes with an exit code below 0, which is reported as any other.
  child.on("error", () => {});
  return child;
}

/** Whether a process runs; one that has ended and that nobody has asked about (a zombie) does not. */
export function runs(pid: number): boolean {
  try {
    const state = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.[0];
    return state !== "Z" && state !== "X";
  } catch {
    return false;
  }
}

/** Waits for a condition; whether it came to hold in time. */
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
