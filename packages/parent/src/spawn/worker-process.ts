// The worker's process and nothing else: started, its output always read, its end noticed at once.
// Next: wait-until-ready.ts at the start, terminate.ts at the end.

import { type ChildProcess, type SpawnOptions as NodeSpawnOptions, spawn } from "node:child_process";
import { type ExitDetails, SpawnError } from "@multifrost/protocol";
import { PORT_VARIABLE, WORKER_MODE_VARIABLE } from "@multifrost/protocol/internal";
import { guard, unguard } from "./exit-guard.js";
import type { LaunchPlan } from "./launch-plan.js";
import { type ProcessOutput, readOutput } from "./process-output.js";

/**
 * How long after its exit the rest of its output is waited for, in milliseconds. Somebody it has started, and who has
 * left its process group, may hold the pipes open for ever.
 */
const OUTPUT_GRACE_MS = 50;

/** A worker's process. */
export interface WorkerProcess {
  readonly pid: number;
  readonly command: string;
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
  try {
    const child = spawnPlanned(plan, {
      cwd: plan.cwd,
      env: { ...process.env, ...plan.env, ...env, [PORT_VARIABLE]: `${port}`, [WORKER_MODE_VARIABLE]: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      // A process group of its own: what a shell or `go run` starts in turn can be ended along with it.
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    const worker = watch(child, plan.command, readOutput(child, onOutput));
    await spawned(child);
    return worker;
  } catch (cause) {
    throw cannotStart(plan, cause as NodeJS.ErrnoException);
  }
}

function spawnPlanned({ program, args, shell }: LaunchPlan, options: NodeSpawnOptions): ChildProcess {
  return shell ? spawn([program, ...args].join(" "), { ...options, shell }) : spawn(program, args, options);
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
}

function watch(child: ChildProcess, command: string, output: ProcessOutput): WorkerProcess {
  // After the start an error event only says that a signal could not be delivered.
  child.on("error", () => {});
  const worker: WorkerProcess = {
    pid: child.pid as number,
    command,
    exited: exitOf(child, command, output),
    stderrTail: output.stderrTail,
    noteStderr: output.noteStderr,
    kill: (signal) => killGroup(child, signal),
  };
  // It runs already, where it has a pid.
  if (child.pid !== undefined) {
    guard(worker);
    void worker.exited.then(() => unguard(worker));
  }
  return worker;
}

function exitOf(child: ChildProcess, command: string, output: ProcessOutput): Promise<ExitDetails> {
  return new Promise((resolve) => {
    child.once("exit", (exitCode, signal) => {
      // Whatever it has started ends with it: a shell may be gone and the worker that it ran not.
      signalGroup(child, "SIGKILL");
      const done = (): void => {
        clearTimeout(grace);
        output.end();
        resolve({ exitCode, signal, stderrTail: output.stderrTail(), command });
      };
      // In a turn of its own, so that what is there is read first, also where this process was busy.
      const grace = setTimeout(() => setImmediate(done), OUTPUT_GRACE_MS);
      child.once("close", done);
    });
  });
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.exitCode === null && child.signalCode === null) {
    signalGroup(child, signal);
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (process.platform === "win32") {
      child.kill(signal);
    } else {
      process.kill(-(child.pid as number), signal);
    }
  } catch {
    // Nobody of it is left.
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
