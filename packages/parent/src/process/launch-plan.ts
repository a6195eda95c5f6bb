// What to run: turns a script's path into a program and its arguments, and finds what is missing before anything runs.

import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { cannotSpawn } from "../errors.js";
import type { SpawnOptions } from "../options.js";

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
}

/** How to run a script by its extension, where the caller names no executable. */
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
 * arguments, because the script may then be a module name); `NO_TYPESCRIPT_RUNNER` for TypeScript that neither this Node
 * nor tsx can run; `SPAWN_FAILED` where the working directory does not exist.
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
  const isModuleName = typeof executable === "object" && executable.length > 1;
  const script = isModuleName ? given : existingScript(given, cwd);
  // For a shell, quote what we add. What the caller wrote stays as it is.
  const ours = (word: string): string => (options.shell && process.platform !== "win32" ? quote(word) : word);
  const leading = typeof executable === "string" ? [executable] : (executable ?? runnerFor(script, cwd).map(ours));
  const [program = ours(script), ...args] = [...leading, ours(script), ...(options.args ?? [])];
  return {
    program,
    args,
    cwd,
    shell: options.shell ?? false,
    // Without it Python buffers what it prints to a pipe until 8 KiB have come together.
    env: extname(script) === ".py" ? { PYTHONUNBUFFERED: "1" } : {},
    command: options.shell ? [program, ...args].join(" ") : [program, ...args].map(quote).join(" "),
  };
}

function existingScript(given: string, cwd: string): string {
  const script = isAbsolute(given) ? given : join(cwd, given);
  if (!existsSync(script)) {
    throw cannotSpawn(
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

/** This Node where it strips types (22.18 and later), else this Node with tsx, resolved from the script, then from `cwd`. */
function runTypeScript(script: string, cwd: string): readonly string[] {
  if ("typescript" in process.features && process.features.typescript) {
    return [process.execPath];
  }
  const tsx = resolveFrom(script, "tsx") ?? resolveFrom(join(cwd, "package.json"), "tsx");
  if (tsx === undefined) {
    throw cannotSpawn(
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

function quote(word: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
