// What to run: from a script's path to a program and its arguments, with what is missing said before anything runs.
// Next: worker-process.ts.

import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type ErrorCode, SpawnError } from "@multifrost/protocol";
import type { SpawnOptions } from "../options.js";

/** A program name, or one with its leading arguments: `["python3", "-u"]`. */
export type Executable = string | readonly string[];

/** A command ready to run. */
export interface LaunchPlan {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly shell: boolean;
  /** Variables that this kind of program needs, beside the caller's. */
  readonly env: Readonly<Record<string, string>>;
  /** The command line, for a person to read and try. */
  readonly command: string;
}

/** How scripts of a kind are run, by extension, where no executable is named. */
const RUNNERS: Readonly<Record<string, (script: string, cwd: string) => readonly string[]>> = {
  ".js": () => [process.execPath],
  ".mjs": () => [process.execPath],
  ".cjs": () => [process.execPath],
  ".ts": runTypeScript,
  ".mts": runTypeScript,
  ".cts": runTypeScript,
  ".py": () => [process.platform === "win32" ? "python" : "python3"],
  ".go": () => ["go", "run"],
};

/**
 * Plans the start of a script.
 *
 * Throws `SpawnError`: `SCRIPT_NOT_FOUND` where there is no such file (not checked where the executable has leading
 * arguments, which may take something else than a file); `NO_TYPESCRIPT_RUNNER` for TypeScript that neither this Node
 * nor tsx can run; `SPAWN_FAILED` for a working directory that is none.
 */
export function planLaunch(
  scriptPath: string | URL,
  executable: Executable | undefined,
  options: SpawnOptions,
): LaunchPlan {
  const cwd = resolve(options.cwd ?? process.cwd());
  const given = scriptPath instanceof URL || scriptPath.startsWith("file:") ? fileURLToPath(scriptPath) : scriptPath;
  if (!isDirectory(cwd)) {
    throw refuse("SPAWN_FAILED", `The working directory ${cwd} does not exist. Check the option cwd.`, given);
  }
  const isModuleName = typeof executable === "object" && executable.length > 1;
  const script = isModuleName ? given : existingScript(given, cwd);
  // What comes from here is quoted for a shell; what the caller wrote is theirs.
  const ours = (word: string): string => (options.shell && process.platform !== "win32" ? quote(word) : word);
  const leading = typeof executable === "string" ? [executable] : (executable ?? runnerFor(script, cwd).map(ours));
  const [program = ours(script), ...args] = [...leading, ours(script), ...(options.args ?? [])];
  return {
    program,
    args,
    cwd,
    shell: options.shell ?? false,
    // Python holds back what it prints to a pipe, otherwise, until 8 KiB have come together.
    env: extname(script) === ".py" ? { PYTHONUNBUFFERED: "1" } : {},
    command: options.shell ? [program, ...args].join(" ") : [program, ...args].map(quote).join(" "),
  };
}

function existingScript(given: string, cwd: string): string {
  const script = isAbsolute(given) ? given : join(cwd, given);
  if (!existsSync(script)) {
    throw refuse(
      "SCRIPT_NOT_FOUND",
      `There is no worker script at ${script}. A relative path starts from ${cwd}; ` +
        "to start from the calling file use new URL('./worker.js', import.meta.url).",
      script,
    );
  }
  return script;
}

function runnerFor(script: string, cwd: string): readonly string[] {
  return RUNNERS[extname(script).toLowerCase()]?.(script, cwd) ?? [];
}

/** This Node where it strips types by itself (22.18 and later), else with tsx, looked for from the script and from here. */
function runTypeScript(script: string, cwd: string): readonly string[] {
  if ("typescript" in process.features && process.features.typescript) {
    return [process.execPath];
  }
  const tsx = resolveFrom(script, "tsx") ?? resolveFrom(join(cwd, "package.json"), "tsx");
  if (tsx === undefined) {
    throw refuse(
      "NO_TYPESCRIPT_RUNNER",
      `${script} is TypeScript, which Node ${process.versions.node} cannot run by itself. ` +
        "Install tsx (npm install --save-dev tsx), use Node 22.18 or later, or spawn the compiled .js file.",
      script,
    );
  }
  return [process.execPath, "--import", pathToFileURL(tsx).href];
}

function resolveFrom(file: string, name: string): string | undefined {
  try {
    return createRequire(file).resolve(name);
  } catch {
    return undefined;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function refuse(code: ErrorCode, message: string, command: string): SpawnError {
  return new SpawnError(code, message, { exitCode: null, signal: null, stderrTail: "", command });
}

function quote(word: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
