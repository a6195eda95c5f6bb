// The worker's process: started, its output always read, its exit noticed at once, ended step by step.

import { type ChildProcess, spawn } from "node:child_process";
import type { ExitDetails } from "@multifrost/protocol/errors";
import { withLimit } from "@multifrost/protocol/internal";
import { cannotSpawn } from "../errors.js";
import { guard, unguard } from "./exit-guard.js";
import type { LaunchPlan } from "./launch-plan.js";
import { orphanGuard } from "./orphan-guard.js";
import { type OnOutput, ProcessOutput } from "./process-output.js";

/**
 * How long to wait for the rest of the output after the exit, in milliseconds. A process that the worker started, and
 * that left its process group, may hold the pipes open forever.
 */
const OUTPUT_GRACE_MS = 50;

/** How long the process may take to exit after the shutdown message, in milliseconds. */
const EXIT_GRACE_MS = 1_000;

/** How long it may take to exit after SIGTERM, in milliseconds. */
const TERM_GRACE_MS = 2_000;

/** A running process, guarded: it does not outlive this process. */
export class WorkerProcess {
  readonly command: string;
  readonly note: LaunchPlan["note"];
  readonly hint: LaunchPlan["hint"];
  /** Resolves when the process has ended and its output is read. Never rejects. */
  readonly exited: Promise<ExitDetails>;
  readonly #child: ChildProcess;
  readonly #output: ProcessOutput;

  /**
   * Starts the process; resolves when it runs. `env` is added to this process's environment; `undefined` removes a
   * variable. Rejects with `SpawnError`: `PROGRAM_NOT_FOUND`, or `SPAWN_FAILED` with
   * the system's reason.
   */
  static async start(
    plan: LaunchPlan,
    env: Readonly<Record<string, string | undefined>>,
    onOutput: OnOutput,
  ): Promise<WorkerProcess> {
    try {
      const child = spawnPlanned(plan, env);
      const worker = new WorkerProcess(child, plan, onOutput);
      await new Promise((resolve, reject) => {
        child.once("spawn", resolve);
        // Stays: after the start an error event only says that a signal could not be delivered.
        child.on("error", reject);
      });
      return worker;
    } catch (cause) {
      throw spawnError(plan, cause as NodeJS.ErrnoException);
    }
  }

  private constructor(child: ChildProcess, { command, note, hint }: LaunchPlan, onOutput: OnOutput) {
    this.#child = child;
    this.command = command;
    this.note = note;
    this.hint = hint;
    this.#output = new ProcessOutput(child, onOutput);
    this.exited = exitOf(child, command, this.#output);
    // A process with a pid runs already, before its `spawn` event.
    if (child.pid !== undefined) {
      guard(this);
      orphanGuard.add(child.pid);
      void this.exited.then(() => unguard(this));
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The last 4 KiB of stderr so far. */
  stderrTail(): string {
    return this.#output.stderrTail();
  }

  /** Adds a line of stderr that arrived as a message to the tail. */
  noteStderr(line: string): void {
    this.#output.noteStderr(line);
  }

  /** Signals the process and everything in its process group. No effect once it has ended. */
  kill(signal: NodeJS.Signals): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      signalGroup(this.#child, signal);
    }
  }

  /**
   * Ends the process: SIGTERM, then SIGKILL after 2 s. Resolves when it has ended.
   *
   * @param asked It got a shutdown message: it has 1 s to exit by itself first.
   */
  async terminate(asked: boolean): Promise<void> {
    if (asked && (await this.#endsWithin(EXIT_GRACE_MS))) {
      return;
    }
    this.kill("SIGTERM");
    if (!(await this.#endsWithin(TERM_GRACE_MS))) {
      this.kill("SIGKILL");
    }
    await this.exited;
  }

  #endsWithin(limitMs: number): Promise<boolean> {
    return withLimit(
      this.exited.then(() => true),
      limitMs,
      () => false,
    );
  }
}

function spawnPlanned(
  { program, args, cwd, shell, env: planned }: LaunchPlan,
  env: Readonly<Record<string, string | undefined>>,
): ChildProcess {
  const options = {
    cwd,
    env: { ...process.env, ...planned, ...env },
    stdio: ["ignore", "pipe", "pipe"] satisfies ["ignore", "pipe", "pipe"],
    // A process group for the worker: what a shell or `go run` starts can be ended with it.
    detached: process.platform !== "win32",
    windowsHide: true,
  };
  return shell ? spawn([program, ...args].join(" "), { ...options, shell }) : spawn(program, [...args], options);
}

function exitOf(child: ChildProcess, command: string, output: ProcessOutput): Promise<ExitDetails> {
  return new Promise((resolve) => {
    child.once("exit", (exitCode, signal) => {
      // What it started ends with it: a shell may be gone while the worker it ran is not.
      signalGroup(child, "SIGKILL");
      if (child.pid !== undefined) {
        orphanGuard.drop(child.pid);
      }
      const done = (): void => {
        clearTimeout(grace);
        output.end();
        resolve({ exitCode, signal, stderrTail: output.stderrTail(), command });
      };
      // On a later turn, so that what has arrived is read first even if this process was busy.
      const grace = setTimeout(() => setImmediate(done), OUTPUT_GRACE_MS);
      child.once("close", done);
    });
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (process.platform === "win32") {
      child.kill(signal);
    } else if (child.pid !== undefined) {
      process.kill(-child.pid, signal);
    }
  } catch {
    // Every process of the group has ended.
  }
}

function spawnError({ program, command }: LaunchPlan, cause: NodeJS.ErrnoException): Error {
  if (cause.code === "ENOENT") {
    return cannotSpawn(
      "PROGRAM_NOT_FOUND",
      `The program '${program}' was not found, so the worker was not started (${command}). ` +
        "Install it, or name another as the second argument of ParentWorker.spawn().",
      command,
      cause,
    );
  }
  const hint =
    cause.code === "EACCES"
      ? "Make it executable (chmod +x), or name the program that runs it as the second argument of ParentWorker.spawn()."
      : "Try the command by hand.";
  const message = `The worker could not be started (${command}): ${cause.message}. ${hint}`;
  return cannotSpawn("SPAWN_FAILED", message, command, cause);
}
