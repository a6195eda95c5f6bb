// Spawns a worker and calls it, shows an error, a timeout and forwarded output, finds a service by name and calls it,
// then does the same with a Python worker. It checks every answer and fails if one is wrong.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ParentWorker, RemoteCallError, TimeoutError } from "multifrost";
import type { MathWorker } from "./math-worker.js";
import { findPython, HOW_TO_GET_PYTHON } from "./python.js";

/** The Python worker's methods, written by hand. */
interface PythonMathWorker {
  add(a: number, b: number): number;
  divide(a: number, b: number): number;
  greet(name: string): string;
}

const typescriptScript = new URL("./math-worker.ts", import.meta.url);
const pythonScript = new URL("../../peers/python/examples/math_worker.py", import.meta.url);

await callSpawnedWorker();
await callService();
await callPython();
console.log("\nEverything worked.");

async function callSpawnedWorker(): Promise<void> {
  console.log("── A TypeScript worker, spawned ──");
  await using worker = ParentWorker.spawn<MathWorker>(typescriptScript);
  await worker.start();
  console.log(`started, process ${worker.pid}; its methods are ${(await worker.listFunctions()).join(", ")}`);

  const sum = await worker.call.add(1, 2);
  assert.equal(sum, 3);
  console.log(`add(1, 2) = ${sum}`);

  const error = await failureOf(worker.call.factorial(-1));
  assert.ok(error instanceof RemoteCallError);
  console.log(`factorial(-1) → ${error.name}: ${error.message}`);

  const late = await failureOf(worker.withOptions({ timeout: 100 }).addSlowly(1, 2, 60_000));
  assert.ok(late instanceof TimeoutError);
  console.log(`addSlowly(…) → ${late.name}: ${late.message}`);

  assert.equal(await worker.call.greet("Ada"), "Hello, Ada!");
  console.log('greet("Ada") printed the line above in the worker; the parent prints it');
}

async function callService(): Promise<void> {
  console.log("\n── The same worker as a service, found by name ──");
  const name = `demo-math-${process.pid}`;
  const service = spawn(process.execPath, ["--import", "tsx", fileURLToPath(typescriptScript), name], {
    stdio: "inherit",
  });
  try {
    // Looks for the service for up to 20 seconds.
    await using worker = await ParentWorker.connect<MathWorker>(name, 20_000);
    await worker.start();
    const product = await worker.call.factorial(5);
    assert.equal(product, 120);
    console.log(`found '${name}'; factorial(5) = ${product}`);
  } finally {
    service.kill("SIGTERM");
    await once(service, "exit");
  }
  console.log(`the service ended with exit code ${service.exitCode}`);
  assert.equal(service.exitCode, 0);
}

async function callPython(): Promise<void> {
  console.log("\n── A Python worker, spawned ──");
  if ((await findPython()) === undefined) {
    console.log(HOW_TO_GET_PYTHON);
    return;
  }
  await using worker = ParentWorker.spawn<PythonMathWorker>(pythonScript);
  await worker.start();
  const sum = await worker.call.add(2, 3);
  assert.equal(sum, 5);
  console.log(`add(2, 3) = ${sum}`);

  const error = await failureOf(worker.call.divide(1, 0));
  assert.ok(error instanceof RemoteCallError);
  assert.equal(error.remoteName, "ZeroDivisionError");
  console.log(`divide(1, 0) → ${error.name}: ${error.message}`);

  assert.equal(await worker.call.greet("Grace"), "Hello, Grace!");
}

/** The error that a call rejects with; the demo fails if the call succeeds. */
async function failureOf(call: Promise<unknown>): Promise<Error> {
  return call.then(
    () => assert.fail("the call should have failed"),
    (error: Error) => error,
  );
}
