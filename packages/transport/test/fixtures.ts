// Runs the programs in `fixtures/`.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { closeAfterTest } from "./open-channels.js";

/** Starts a fixture with plain node, which resolves the built package like a user's program. Kills it after the test. */
export function start(fixture: string, ...args: (number | string)[]): ChildProcess {
  const path = fileURLToPath(new URL(`fixtures/${fixture}`, import.meta.url));
  const child = spawn(process.execPath, ["--expose-gc", path, ...args.map(String)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  closeAfterTest(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });
  return child;
}

/** Runs a fixture to its end. */
export async function run(
  fixture: string,
  ...args: (number | string)[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = start(fixture, ...args);
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) {
    throw new Error("the fixture's output is not piped");
  }
  const [[code], out, err] = await Promise.all([once(child, "exit"), text(stdout), text(stderr)]);
  return { code, stdout: out, stderr: err };
}
