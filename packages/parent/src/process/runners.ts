// The programs that run scripts, chosen by a script's extension where the caller names none.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { cannotSpawn } from "../errors.js";

/** A program with its leading arguments; none where the script runs itself. */
export interface Runner {
  readonly command: readonly string[];
  /** Variables that it needs. */
  readonly env?: Readonly<Record<string, string>>;
  /** See `LaunchPlan`. */
  readonly note?: string;
  readonly hint?: (stderrTail: string) => string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What this process is, as far as it decides how scripts are run. */
export interface Runtime {
  /** Whether this Node runs TypeScript by removing its types: 22.18 and later. */
  readonly stripsTypes: boolean;
  readonly isElectron: boolean;
  readonly execArgv: readonly string[];
}

/** This process. */
export function thisRuntime(): Runtime {
  return {
    stripsTypes: "typescript" in process.features && Boolean(process.features.typescript),
    isElectron: process.versions.electron !== undefined,
    execArgv: process.execArgv,
  };
}

/**
 * Chooses what runs a script.
 *
 * @param env The variables that the script will have.
 *
 * Throws `SpawnError` `NO_TYPESCRIPT_RUNNER`.
 */
export function runnerFor(script: string, cwd: string, env: Environment, runtime: Runtime = thisRuntime()): Runner {
  switch (extname(script).toLowerCase()) {
    case ".js":
    case ".mjs":
    case ".cjs":
      return thisNode(runtime, []);
    case ".ts":
    case ".mts":
    case ".cts":
      return typeScript(script, cwd, env, runtime, runtime.stripsTypes);
    case ".tsx":
    case ".jsx":
      // No Node runs JSX.
      return typeScript(script, cwd, env, runtime, false);
    case ".py":
      return python(script, env);
    case ".go":
      return { command: ["go", "run"] };
    default:
      return { command: [] };
  }
}

/** Electron's program is a browser unless this variable makes it Node. */
function thisNode({ isElectron }: Runtime, options: readonly string[], hint?: Runner["hint"]): Runner {
  return {
    command: [process.execPath, ...options],
    ...(isElectron && { env: { ELECTRON_RUN_AS_NODE: "1" } }),
    ...(hint && { hint }),
  };
}

/** tsx where this process runs under it or the script's project has it, else this Node where it strips types. */
function typeScript(script: string, cwd: string, env: Environment, runtime: Runtime, isStripped: boolean): Runner {
  if (/\btsx\b/.test(env.NODE_OPTIONS ?? "")) {
    return thisNode(runtime, []);
  }
  const tsx = tsxOf(runtime.execArgv) ?? resolveFrom(script, "tsx") ?? resolveFrom(join(cwd, "package.json"), "tsx");
  if (tsx !== undefined) {
    return thisNode(runtime, ["--import", pathToFileURL(tsx).href]);
  }
  if (isStripped) {
    return thisNode(runtime, [], strippingHint);
  }
  const what = /x$/i.test(script)
    ? "JSX, which Node cannot run"
    : `TypeScript, which Node ${process.versions.node} cannot run`;
  const newer = /x$/i.test(script) ? "" : " use Node 22.18 or later,";
  const message = `${script} is ${what} by itself. Install tsx (npm install --save-dev tsx),${newer} or spawn the compiled .js file.`;
  throw cannotSpawn("NO_TYPESCRIPT_RUNNER", message, script);
}

/** The tsx that this process runs under: `--import file:///…/tsx/dist/loader.mjs` from its command, or `--import tsx`. */
function tsxOf(execArgv: readonly string[]): string | undefined {
  const words = execArgv.map((word) => word.replace(/^--import=/, ""));
  const loader = words.find((word) => /^file:.*[/\\]tsx[/\\].*loader/.test(word));
  if (loader !== undefined) {
    return fileURLToPath(loader);
  }
  return words.includes("tsx") ? resolveFrom(join(process.cwd(), "package.json"), "tsx") : undefined;
}

/** What Node says where removing the types is not enough, and where a file is imported by the name it is compiled to. */
const NOT_STRIPPED =
  /ERR_(?:UNSUPPORTED_TYPESCRIPT_SYNTAX|INVALID_TYPESCRIPT_SYNTAX|UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING)|Cannot find module '[^']*\.[cm]?jsx?' imported from \S+\.[cm]?tsx?/;

function strippingHint(stderrTail: string): string {
  return NOT_STRIPPED.test(stderrTail)
    ? "Node runs TypeScript by removing its types: it knows no enums, namespaces and parameter properties, and does not find " +
        "./x.ts by the name ./x.js. tsx does: npm install --save-dev tsx, and workers of this project run with it."
    : "";
}

/** The interpreter of VIRTUAL_ENV, else that of a .venv next to the script, else that of the PATH. */
function python(script: string, env: Environment): Runner {
  const isWindows = process.platform === "win32";
  const inside = isWindows ? ["Scripts", "python.exe"] : ["bin", "python"];
  const beside = join(dirname(script), ".venv");
  const places = [
    ...(env.VIRTUAL_ENV ? [[env.VIRTUAL_ENV, "VIRTUAL_ENV"] as const] : []),
    [beside, "the .venv next to it"] as const,
  ];
  const found = places
    .map(([directory, source]) => ({ interpreter: join(directory, ...inside), source }))
    .find(({ interpreter }) => existsSync(interpreter));
  const interpreter = found?.interpreter ?? (isWindows ? "python" : "python3");
  return {
    command: [interpreter],
    ...(found && { note: `with the Python of ${found.source}` }),
    hint: (stderrTail) => pythonHint(interpreter, stderrTail),
  };
}

function pythonHint(interpreter: string, stderrTail: string): string {
  const missing = /ModuleNotFoundError: No module named '([^']+)'/.exec(stderrTail)?.[1];
  return missing === undefined
    ? ""
    : `The interpreter ${interpreter} has no module '${missing}'. Install it there, or choose another interpreter: by the ` +
        'second argument, ParentWorker.spawn(script, "/path/to/python"); by VIRTUAL_ENV; or by a .venv next to the script.';
}

function resolveFrom(file: string, name: string): string | undefined {
  try {
    return createRequire(file).resolve(name);
  } catch {
    return undefined;
  }
}
