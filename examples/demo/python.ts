// Finds a Python that can run a worker, and says how to get one.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Printed where no Python with the two packages is found. */
export const HOW_TO_GET_PYTHON =
  "python3 with msgpack was not found. To see the Python worker too: python3 -m venv .venv && .venv/bin/pip install msgpack, then PATH=$PWD/.venv/bin:$PATH";

/** The program that runs Python workers, or `undefined`. */
export async function findPython(): Promise<string | undefined> {
  const program = process.platform === "win32" ? "python" : "python3";
  try {
    await run(program, ["-c", "import msgpack"]);
    return program;
  } catch {
    return undefined;
  }
}
