// The worker's process and nothing else: started, its output always read, its end noticed at once.
// Next: wait-until-ready.ts at the start, terminate.ts at the end.

import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import {
  createLineSplitter,
  type ExitDetails,
  PORT_VARIABLE,
  SpawnError,
  WORKER_MODE_VARIABLE,
} from "@multifrost/protocol";
import { guard, unguard } from "./exit-guard.js";
import type { LaunchPlan } from "./launch-plan.js";
import { createTail } from "./tail.js";

/**
 * How long after its exit the rest of its output is waited for, in milliseconds. A grandchild that has inherited the
 * pipes may hold them open for ever.
 */
const OUTPUT_GRACE_MS = 50;

/** A worker's process. */
export interface WorkerProcess {
  readonly pid: number;
  readonly command: string;
  /** How it ended; `undefined` while it runs. */
  readonly exit: ExitDetails | undefined;
  /** Resolves when it has ended and its output is read. Never rejects. */
  readonly exited: Promise<ExitDetails>;
  /** The last 4 KiB of its stderr so far. */
  stderrTail(): string;
  /** Adds to the tail of stderr what reached the parent as messages. */
  noteStderr(line: string): void;
  /** Signals it and whatever it has started. No effect once it has ended. */
  kill(signal: NodeJS.Signals): void;
}

/** What to tell of its output: lines from its pipes. */
export type OnOutput = (stream: "stdout" | "stderr", line: string) => void;

/**
 * Starts the process; resolves when it runs. Rejects with `SpawnError`: `PROGRAM_NOT_FOUND`, or `SPAWN_FAILED` with the
 * system's reason.
 */
export async function startProcess(
  plan: LaunchPlan,
  port: number,
  env: Readonly<Record<string, string | undefined>>,
  onOutput: OnOutput,
): Promise<WorkerProcess> {
  let child: ChildProcess;
  try {
    child = spawn(plan.program, [...plan.args], {
      cwd: plan.cwd,
      shell: plan.shell,
      env: { ...process.env, ...plan.env, ...env, [PORT_VARIABLE]: `${port}`, [WORKER_MODE_VARIABLE]: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      // A process group of its own: what a shell or `go run` starts in turn can be ended along with it.
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    await spawned(child);
  } catch (cause) {
    throw cannotStart(plan, cause as NodeJS.ErrnoException);
  }
  const worker = watch(child, plan, onOutput);
  guard(worker);
  void worker.exited.then(() => unguard(worker));
  return worker;
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
}

function watch(child: ChildProcess, plan: LaunchPlan, onOutput: OnOutput): WorkerProcess {
  const { command } = plan;
  const tail = createTail();
  const stderrTail = (): string => tail.text().trimEnd();
  let exit: ExitDetails | undefined;
  readLines(child.stdout, (line) => onOutput("stdout", line));
  readLines(child.stderr, (line) => {
    tail.add(`${line}\n`);
    onOutput("stderr", line);
  });
  // From here on an error event only says that a signal could not be delivered.
  child.on("error", () => {});

  const exited = new Promise<ExitDetails>((resolve) => {
    child.once("exit", (exitCode, signal) => {
      const done = (): void => {
        clearTimeout(grace);
        exit = { exitCode, signal, stderrTail: stderrTail(), command };
        resolve(exit);
      };
      const grace = setTimeout(done, OUTPUT_GRACE_MS);
      child.once("close", done);
    });
  });

  return {
    pid: child.pid as number,
    command,
    get exit() {
      return exit;
    },
    exited,
    stderrTail,
    noteStderr: (line) => tail.add(`${line}\n`),
    kill: (signal) => killGroup(child, signal),
  };
}

/** Reads a pipe to its end, whatever comes, so that the writer never blocks. */
function readLines(pipe: Readable | null, onLine: (line: string) => void): void {
  const lines = createLineSplitter();
  pipe?.on("data", (chunk: Uint8Array) => {
    for (const line of lines.add(chunk)) {
      onLine(line);
    }
  });
  pipe?.on("end", () => {
    const rest = lines.rest();
    if (rest !== "") {
      onLine(rest);
    }
  });
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
    return;
  }
  try {
    if (process.platform === "win32") {
      child.kill(signal);
    } else {
      process.kill(-child.pid, signal);
    }
  } catch {
    // It ended a moment ago.
  }
}

function cannotStart(plan: LaunchPlan, cause: NodeJS.ErrnoException): SpawnError {
  const exit = { exitCode: null, signal: null, stderrTail: "", command: plan.command, cause };
  if (cause.code === "ENOENT") {
    const message =
      `The program '${plan.program}' was not found, so the worker was not started (${plan.command}). ` +
      "Install it, or name another as the second argument of ParentWorker.spawn().";
    return new SpawnError("PROGRAM_NOT_FOUND", message, exit);
  }
  const hint =
    cause.code === "EACCES"
      ? "Make it executable (chmod +x), or name the program that runs it as the second argument of ParentWorker.spawn()."
      : "Try the command by hand.";
  return new SpawnError(
    "SPAWN_FAILED",
    `The worker could not be started (${plan.command}): ${cause.message}. ${hint}`,
    exit,
  );
}
