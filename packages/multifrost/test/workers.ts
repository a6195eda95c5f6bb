// Real workers for the end-to-end tests, ended again whatever happens.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFileRegistry, type ServiceRegistry } from "@multifrost/registry";
import type { TransportName } from "@multifrost/transport";
import { type ConnectOptions, ParentWorker } from "multifrost";
import { afterEach } from "vitest";

/** What both echo workers offer. */
export interface EchoWorker {
  echo(value: unknown): unknown;
  count(tag: number): [tag: number, before: number];
  checksum(bytes: Uint8Array): [length: number, sum: number];
  fill(length: number, byte: number): Uint8Array;
}

export const ECHO_SCRIPT: string = fileURLToPath(new URL("./fixtures/echo-worker.mjs", import.meta.url));
export const PYTHON_SCRIPT: string = fileURLToPath(
  new URL("../../../peers/python/examples/math_worker.py", import.meta.url),
);

/** Whether a Python that can run a worker is here. In CI there must be one. */
export const hasPython: boolean = findPython();

const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) {
    await cleanup();
  }
});

/** Ends this when the test is over. */
export function atEnd(cleanup: () => Promise<void> | void): void {
  cleanups.push(cleanup);
}

/** A started parent of a spawned worker. */
export async function spawned<T = EchoWorker>(script: string = ECHO_SCRIPT): Promise<ParentWorker<T>> {
  const worker = ParentWorker.spawn<T>(script);
  atEnd(() => worker.stop());
  await worker.start();
  return worker;
}

/** A new directory to use as HOME, removed after the test. */
export function temporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), "multifrost-"));
  atEnd(() => rmSync(home, { recursive: true }));
  return home;
}

/** A running service, and what makes parents of it; its registry is in a directory of its own. */
export function service(
  program: string,
  script: string | readonly string[],
  transport?: TransportName,
): {
  home: string;
  registry: ServiceRegistry;
  connect<T = EchoWorker>(options?: ConnectOptions): Promise<ParentWorker<T>>;
} {
  const home = temporaryHome();
  const env = { ...process.env, HOME: home, ...(transport && { MULTIFROST_TRANSPORT: transport }) };
  const child = spawn(program, [script, "echo-service"].flat(), { env, stdio: "ignore" });
  atEnd(() => endProcess(child));
  const registry = createFileRegistry({ directory: join(home, ".multifrost") });
  return {
    home,
    registry,
    async connect<T = EchoWorker>(options?: ConnectOptions) {
      const reach = { registry, timeout: 15_000, ...(transport && { transport }) };
      const worker = await ParentWorker.connect<T>("echo-service", { ...reach, ...options });
      atEnd(() => worker.stop());
      await worker.start();
      return worker;
    },
  };
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
}

function findPython(): boolean {
  try {
    execFileSync("python3", ["-c", "import msgpack"], { stdio: "ignore" });
    return true;
  } catch (cause) {
    if (process.env.CI !== undefined) {
      throw new Error("CI needs python3 with msgpack; .ci/run installs it", { cause });
    }
    console.warn("Left out: the tests with a Python worker. They need python3 with msgpack on the PATH.");
    return false;
  }
}
