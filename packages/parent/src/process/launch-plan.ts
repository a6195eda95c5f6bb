// What to run: turns a script's path into a program and its arguments, and finds what is missing before anything runs.

import { statSync } from "node:fs";
import { extname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { MultifrostError } from "@multifrost/protocol/errors";
import { invalidOption } from "@multifrost/protocol/internal";
import { cannotSpawn } from "../errors.js";
import type { SpawnOptions } from "../options.js";
import { type Runner, runnerFor } from "./runners.js";

/** A program, or a program with leading arguments: `["python3", "-u"]`. */
export type Executable = string | readonly string[];

/** A command ready to run. */
export interface LaunchPlan {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly shell: boolean;
  /** Variables that this kind of program needs, besides the caller's. */
  readonly env: Readonly<Record<string, string>>;
  /** The command line, for error messages. */
  readonly command: string;
  /** How the program was chosen, for the log, where neither the caller nor the extension says it all. */
  readonly note?: string | undefined;
  /** What to do about an early exit with this on stderr; empty where nothing is known. */
  readonly hint?: ((stderrTail: string) => string) | undefined;
}

const CALLING_FILE = "To start from the calling file use new URL('./worker.js', import.meta.url).";

/**
 * Checks what `ParentWorker.spawn` is given as the script. Throws `MultifrostError` `INVALID_OPTION` unless it is a path, a
 * file URL, or, behind an executable with leading arguments, any text.
 */
export function checkScript(script: unknown, executable: Executable | undefined): asserts script is string | URL {
  const isText = typeof script === "string" && script !== "";
  if (!isText && !(script instanceof URL)) {
    throw new MultifrostError(
      "INVALID_OPTION",
      `${invalidOption("scriptPath", "the path of a script or a file URL", script).message} ${CALLING_FILE}`,
    );
  }
  const isOther = script instanceof URL ? script.protocol !== "file:" : /^(?!file:)[a-z][a-z\d+.-]+:\/\//i.test(script);
  if (isOther && (script instanceof URL || !hasLeadingArguments(executable))) {
    const text = invalidOption("scriptPath", "a path or a file URL", `${script}`).message;
    throw new MultifrostError(
      "INVALID_OPTION",
      `${text} A worker runs on this machine: download its script first, or find a running service with ParentWorker.connect().`,
    );
  }
}

/**
 * Plans the start of a script.
 *
 * Throws `SpawnError`: `SCRIPT_NOT_FOUND` where there is no such file (not checked where the executable has leading
 * arguments, because the script may then be a module name); `NO_TYPESCRIPT_RUNNER` for TypeScript that neither this Node
 * nor tsx can run; `SPAWN_FAILED` where the working directory does not exist, or where nothing can take `execArgv`.
 */
export function planLaunch(
  scriptPath: string | URL,
  executable: Executable | undefined,
  options: SpawnOptions,
): LaunchPlan {
  const cwd = resolve(options.cwd ?? process.cwd());
  const given = scriptPath instanceof URL || scriptPath.startsWith("file:") ? fileURLToPath(scriptPath) : scriptPath;
  if (!isDirectory(cwd)) {
    throw cannotSpawn("SPAWN_FAILED", `The working directory ${cwd} does not exist. Check the option cwd.`, given);
  }
  const script = hasLeadingArguments(executable) ? given : existingScript(given, cwd, executable);
  const runner =
    executable === undefined ? runnerFor(script, cwd, { ...process.env, ...options.env }) : asRunner(executable);
  const execArgv = options.execArgv ?? [];
  if (execArgv.length > 0 && runner.command.length === 0) {
    const message = `${script} is run itself, so that nothing takes execArgv. Use args, or name the program that runs it.`;
    throw cannotSpawn("SPAWN_FAILED", message, script);
  }
  // For a shell, quote what we add. What the caller wrote stays as it is.
  const ours = (word: string): string => (options.shell && process.platform !== "win32" ? quote(word) : word);
  const leading = executable === undefined ? runner.command.map(ours) : runner.command;
  const [program = ours(script), ...args] = [...leading, ...execArgv, ours(script), ...(options.args ?? [])];
  return {
    program,
    args,
    cwd,
    shell: options.shell ?? false,
    env: { ...(extname(script).toLowerCase() === ".py" ? UNBUFFERED : {}), ...runner.env },
    command: options.shell ? [program, ...args].join(" ") : [program, ...args].map(quote).join(" "),
    note: runner.note,
    hint: runner.hint,
  };
}

/** Without it Python buffers what it prints to a pipe until 8 KiB have come together. */
const UNBUFFERED = { PYTHONUNBUFFERED: "1" };

function asRunner(executable: Executable): Runner {
  return { command: typeof executable === "string" ? [executable] : executable };
}

/** What follows a program and its leading arguments need not be a file: `["python3", "-m"]`. */
function hasLeadingArguments(executable: Executable | undefined): boolean {
  return typeof executable === "object" && executable.length > 1;
}

function existingScript(given: string, cwd: string, executable: Executable | undefined): string {
  const script = isAbsolute(given) ? given : join(cwd, given);
  const found = statSync(script, { throwIfNoEntry: false });
  if (found === undefined) {
    throw cannotSpawn(
      "SCRIPT_NOT_FOUND",
      `There is no worker script at ${script}. A relative path starts from ${cwd}; ` +
        "to start from the calling file use new URL('./worker.js', import.meta.url).",
      script,
    );
  }
  if (found.isDirectory() && executable === undefined) {
    const message = `${script} is a directory, not a worker script. Name the file in it, or the program that runs it.`;
    throw cannotSpawn("SCRIPT_NOT_FOUND", message, script);
  }
  return script;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function quote(word: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
