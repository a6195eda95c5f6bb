// The worker's process: started, its output always read, its exit noticed at once, ended step by step.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { ExitDetails } from "@multifrost/protocol/errors";
import { withLimit } from "@multifrost/protocol/internal";
import { cannotSpawn } from "../errors.js";
import { guard, unguard } from "./exit-guard.js";
import { exitHint } from "./exit-hint.js";
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
  /** Resolves when the process has ended and its output is read. Never rejects. Calls are counted by its session. */
  readonly exited: Promise<ExitDetails>;
  readonly #child: ChildProcess;
  readonly #output: ProcessOutput;
  readonly #startedAt = performance.now();
  /** The signals that this parent sent. */
  readonly #sent = new Set<NodeJS.Signals>();
  /** Set when this parent ends it: the reason where that is worth telling, else empty. */
  #endReason: string | undefined;

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
    this.#output = new ProcessOutput(child, onOutput);
    this.exited = this.#watchExit(hint);
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

  /** Adds a line that arrived as a message to the tail of its stream. */
  addOutput(stream: "stdout" | "stderr", line: string): void {
    this.#output.note(stream, line);
  }

  /**
   * Signals the process and everything in its process group. No effect once it has ended.
   *
   * @param reason The hint of its exit. Default: none.
   */
  kill(signal: NodeJS.Signals, reason?: string): void {
    this.#endReason ??= reason ?? "";
    this.#sent.add(signal);
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      signalGroup(this.#child, signal);
    }
  }

  /**
   * Ends the process: SIGTERM, then SIGKILL after 2 s. Resolves when it has ended.
   *
   * @param asked It got a shutdown message: it has 1 s to exit by itself first.
   * @param reason The hint of its exit. Default: none.
   */
  async terminate(asked: boolean, reason = ""): Promise<void> {
    this.#endReason ??= reason;
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

  #watchExit(own: LaunchPlan["hint"]): Promise<ExitDetails> {
    const child = this.#child;
    return new Promise((resolve) => {
      child.once("exit", (exitCode, signal) => {
        const uptimeMs = Math.round(performance.now() - this.#startedAt);
        // What it started ends with it: a shell may be gone while the worker it ran is not.
        signalGroup(child, "SIGKILL");
        if (child.pid !== undefined) {
          orphanGuard.drop(child.pid);
        }
        const done = (): void => {
          clearTimeout(grace);
          this.#output.end();
          resolve(this.#describeExit(exitCode, signal, uptimeMs, own));
        };
        // On a later turn, so that what has arrived is read first even if this process was busy.
        const grace = setTimeout(() => setImmediate(done), OUTPUT_GRACE_MS);
        child.once("close", done);
      });
    });
  }

  #describeExit(
    exitCode: number | null,
    signal: NodeJS.Signals | null,
    uptimeMs: number,
    own: LaunchPlan["hint"],
  ): ExitDetails {
    const [stderrTail, stdoutTail] = [this.#output.tail("stderr"), this.#output.tail("stdout")];
    const exit = { exitCode, signal, stderrTail, stdoutTail, command: this.command, uptimeMs, callsInFlight: 0 };
    // While this parent was ending it, it may have crashed all the same.
    const isOurs = this.#endReason !== undefined && (signal === null || this.#sent.has(signal));
    return { ...exit, hint: isOurs ? this.#endReason || undefined : exitHint(exit, own) };
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

/** What to do where the system refuses to start a program, by its code. */
const SPAWN_HINTS: Readonly<Record<string, string>> = {
  EACCES:
    "Make it executable (chmod +x), or name the program that runs it as the second argument of ParentWorker.spawn().",
  ENOEXEC:
    "It is built for another system or processor, or is a script without a first line like #!/usr/bin/env node: name the program that " +
    "runs it as the second argument of ParentWorker.spawn().",
  EMFILE:
    "This process has no file descriptors left: raise `ulimit -n`, or look for files and sockets that it does not close.",
  ENFILE: "The system has no file descriptors left.",
  EAGAIN: "The system starts no more processes for this user: see `ulimit -u`, or the limit of the container.",
  ENOMEM: "The system has no memory left for another process.",
  E2BIG: "The arguments and the environment are too long together: pass large values by calls.",
};

function spawnError({ program, command }: LaunchPlan, cause: NodeJS.ErrnoException): Error {
  if (cause.code === "ENOENT" && isAbsolute(program) && existsSync(program)) {
    const message =
      `The worker could not be started (${command}): the program that the first line (#!) of ${program} names was not found. ` +
      "Install it, or name the program that runs the script as the second argument of ParentWorker.spawn().";
    return cannotSpawn("PROGRAM_NOT_FOUND", message, command, cause);
  }
  if (cause.code === "ENOENT") {
    return cannotSpawn(
      "PROGRAM_NOT_FOUND",
      `The program '${program}' was not found, so the worker was not started (${command}). ` +
        "Install it, or name another as the second argument of ParentWorker.spawn().",
      command,
      cause,
    );
  }
  const hint = SPAWN_HINTS[cause.code ?? ""] ?? "Try the command by hand.";
  const message = `The worker could not be started (${command}): ${cause.message}. ${hint}`;
  return cannotSpawn("SPAWN_FAILED", message, command, cause, hint);
}
