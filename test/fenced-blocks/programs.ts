import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Block, root } from "./blocks.ts";
import { pageFolder, programOf } from "./pages.ts";

const runFile = promisify(execFile);

/** Runs a block as its reader does. Its home folder is empty, and Python finds the library of this repository. */
export async function run(block: Block): Promise<{ stdout: string; stderr: string }> {
  const [program, ...args] = commandOf(block);
  return runFile(program as string, args, { ...optionsFor(block), timeout: 50_000 });
}

/** Starts a block that runs until a signal ends it. */
export function startService(block: Block): ChildProcess {
  const [program, ...args] = commandOf(block);
  return spawn(program as string, args, { ...optionsFor(block), stdio: ["ignore", "ignore", "inherit"] });
}

/** Ends a service as its operator does; resolves to its exit code. */
export async function endService(service: ChildProcess): Promise<number | null> {
  if (service.exitCode === null && service.signalCode === null) {
    service.kill("SIGTERM");
    await once(service, "exit");
  }
  return service.exitCode;
}

function commandOf(block: Block): string[] {
  const program = programOf(block);
  switch (block.language) {
    case "python":
      return ["python3", program];
    case "ts":
      return [process.execPath, "--import", "tsx", program];
    default:
      return [process.execPath, program];
  }
}

function optionsFor(block: Block): { cwd: string; env: NodeJS.ProcessEnv } {
  const cwd = pageFolder(block.file);
  const { NODE_OPTIONS: _options, ...inherited } = process.env;
  return { cwd, env: { ...inherited, HOME: join(cwd, "home"), PYTHONPATH: join(root, "peers/python") } };
}

/** Whether python3 can run these imports. Says what is left out where it cannot; in CI that is an error. */
export function hasPython(imports: string): boolean {
  try {
    execFileSync("python3", ["-c", imports], { stdio: "ignore" });
    return true;
  } catch (cause) {
    const needed = imports === "" ? "python3" : "python3 with msgpack";
    if (process.env.CI !== undefined) {
      throw new Error(`CI needs ${needed}; .ci/run installs it`, { cause });
    }
    console.warn(`Left out: the blocks of documents that need ${needed}.`);
    return false;
  }
}
