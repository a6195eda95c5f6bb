// The four languages: what each needs, how its two programs are built, and how they are started.

import { execFile } from "node:child_process";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const LANGUAGES = ["typescript", "python", "go", "rust"] as const;

export type Language = (typeof LANGUAGES)[number];

/** A command and its leading arguments. */
export type Command = readonly [program: string, ...args: string[]];

interface Toolchain {
  /** A command that succeeds if the tool is installed. */
  readonly probe: Command;
  /** What to report if it is missing. */
  readonly missing: string;
  readonly build?: { readonly command: Command; readonly cwd: string };
  readonly worker: Command;
  readonly parent: Command;
}

const TSX = [process.execPath, "--import", import.meta.resolve("tsx")] as const;

const TOOLCHAINS: Readonly<Record<Language, Toolchain>> = {
  typescript: {
    probe: [process.execPath, "--version"],
    missing: "Node.js",
    worker: [...TSX, path("../typescript/worker.ts")],
    parent: [...TSX, path("../typescript/parent.ts")],
  },
  python: {
    probe: ["python3", "-c", "import msgpack"],
    missing: "python3 with msgpack (python3 -m venv .venv && .venv/bin/pip install -e peers/python)",
    worker: ["python3", path("../python/worker.py")],
    parent: ["python3", path("../python/parent.py")],
  },
  go: {
    probe: ["go", "version"],
    missing: "Go",
    build: { command: ["go", "build", "-o", "bin/", "./cmd/..."], cwd: path("../go") },
    worker: [path("../go/bin/worker")],
    parent: [path("../go/bin/parent")],
  },
  rust: {
    probe: ["cargo", "--version"],
    missing: "Rust (cargo)",
    build: { command: ["cargo", "build", "--quiet", "--locked"], cwd: path("../rust") },
    worker: [path("../rust/target/debug/worker")],
    parent: [path("../rust/target/debug/parent")],
  },
};

/** How the language's worker is started. */
export function workerCommand(language: Language): Command {
  return TOOLCHAINS[language].worker;
}

/** How the language's parent is started. */
export function parentCommand(language: Language): Command {
  return TOOLCHAINS[language].parent;
}

/** Builds a language's programs. Resolves to what is missing if its toolchain is; rejects if a build fails. */
export async function prepare(language: Language): Promise<string | undefined> {
  const { probe, missing, build } = TOOLCHAINS[language];
  try {
    await run(probe[0], probe.slice(1));
  } catch {
    return missing;
  }
  if (build) {
    await run(build.command[0], build.command.slice(1), { cwd: build.cwd, maxBuffer: 2 ** 26 });
  }
  return undefined;
}

/** The environment of workers and parents: a private home folder, and the Python package of this checkout. */
export function environment(home: string): NodeJS.ProcessEnv {
  const pythonPath = [path("../../peers/python"), process.env.PYTHONPATH].filter(Boolean).join(delimiter);
  return { ...process.env, HOME: home, PYTHONPATH: pythonPath, PYTHONDONTWRITEBYTECODE: "1" };
}

function path(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
