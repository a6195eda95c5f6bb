// Starts the fixtures as real processes, each with its own HOME, and ends what is left with the test.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ClientTransport } from "@multifrost/transport";
import { onTestFinished } from "vitest";
import { networkClient, networkEnvironment } from "./network.js";
import { openParent, type StandInParent } from "./parent.js";
import { until } from "./until.js";

/** A fixture that runs. */
export interface Fixture {
  readonly process: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Resolves when it has ended and its output is read, with its exit code or the signal. */
  readonly ended: Promise<number | string>;
}

/** How a fixture is started. */
export interface FixtureOptions {
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** The path of a fixture. */
export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

/** A new directory, removed with the test. */
export function temporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), "multifrost-child-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

/** Starts a fixture with plain node, so that it uses what users get. */
export function startFixture(name: string, { args = [], env = {} }: FixtureOptions = {}): Fixture {
  return startNode([fixturePath(name), ...args], env);
}

/** Starts a module that is given as text; it resolves what this package does. */
export function startModule(code: string, env: Readonly<Record<string, string>>): Fixture {
  return startNode(["--input-type=module", "-e", code], env);
}

function startNode(args: readonly string[], env: Readonly<Record<string, string>>): Fixture {
  const child = spawn(process.execPath, args, {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: temporaryHome(), ...networkEnvironment, ...env },
  });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  }
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
    }
    await ended;
  });
  return { process: child, pid: child.pid as number, stdout: () => output.stdout, stderr: () => output.stderr, ended };
}

/** A worker that a parent has spawned; it is connected and has answered a heartbeat. */
export async function spawnWorker(
  name: string,
  { args = [], env = {} }: FixtureOptions = {},
  transport: ClientTransport = networkClient({ bind: {} }),
): Promise<Fixture & { parent: StandInParent }> {
  const parent = await openParent(transport);
  const fixture = startFixture(name, { args, env: { ...env, ...spawnEnvironment(parent.port) } });
  await parent.heartbeat();
  return { ...fixture, parent };
}

/** The environment of a spawned worker. */
export function spawnEnvironment(port: number): { COMLINK_ZMQ_PORT: string; COMLINK_WORKER_MODE: string } {
  return { COMLINK_ZMQ_PORT: `${port}`, COMLINK_WORKER_MODE: "1" };
}

/** Whether a process runs. A zombie does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return process.platform !== "linux" || !/\) [ZX] /.test(statOf(pid));
}

function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return ") X ";
  }
}

/** Waits until a process is gone, which need not be a child of this one. Returns how long that took, in milliseconds. */
export async function untilGone(pid: number): Promise<number> {
  const from = performance.now();
  await until(() => !isAlive(pid));
  return performance.now() - from;
}
