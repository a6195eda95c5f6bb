import { type ChildProcess, fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, vi } from "vitest";

/** The pid of a process that ran and is gone. */
export function deadPid(): number {
  return spawnSync(process.execPath, ["--version"]).pid;
}

/** Makes Node read TypeScript, and the sources of our packages in place of `dist`. */
const READS_SOURCES = ["--import", "tsx", "--conditions=@multifrost/source"];

/** A real process that runs one of the fixtures, with a channel for messages; ended with the test if it is still there. */
export function startFixture(name: string, ...args: string[]): ChildProcess {
  const script = fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
  const child = fork(script, args, { execArgv: READS_SOURCES, stdio: ["ignore", "ignore", "pipe", "ipc"] });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => errors.set(child, (errors.get(child) ?? "") + text));
  endWithTest(child);
  return child;
}

/** A live process that does nothing at all. */
export function startIdle(): ChildProcess & { pid: number } {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  endWithTest(child);
  return child as ChildProcess & { pid: number };
}

/** The pid of a process that has ended, but whose parent, which lives on, has not asked how. */
export async function startZombie(): Promise<number> {
  const script = "exec 3<&0; cat <&3 & echo $!; exec sleep 600";
  const parent = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "ignore"] });
  endWithTest(parent);
  const [output] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(output.toString());
  // The shell would ask; `sleep` does not.
  await vi.waitFor(() => expect(readFileSync(`/proc/${parent.pid}/comm`, "utf8")).toBe("sleep\n"), 10_000);
  parent.stdin.end();
  await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(") Z "), 10_000);
  return pid;
}

/** The next message from the fixture; fails if it ends without one. */
export async function nextMessage(child: ChildProcess): Promise<unknown> {
  const done = new AbortController();
  const { signal } = done;
  const ended = once(child, "exit", { signal }).then(([code, by]) => {
    throw new Error(`The fixture ended (${code ?? by}) before it sent a message. ${errors.get(child) ?? ""}`);
  });
  const message = once(child, "message", { signal }).then(([value]) => value as unknown);
  try {
    return await Promise.race([message, ended]);
  } finally {
    done.abort();
    await Promise.allSettled([message, ended]);
  }
}

/** Waits until the fixture has ended by itself and checks that it did well. */
export async function finished(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    await once(child, "close");
  }
  if (child.exitCode !== 0) {
    throw new Error(`The fixture failed (${child.exitCode ?? child.signalCode}). ${errors.get(child) ?? ""}`);
  }
}

/** Sends a signal and waits until the process is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exit = once(child, "exit");
  child.kill(signal);
  await exit;
}

const errors = new WeakMap<ChildProcess, string>();

function endWithTest(child: ChildProcess): void {
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      await end(child, "SIGKILL");
    }
  });
}
