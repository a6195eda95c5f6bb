// The demo's calls, from any runtime to any runtime. Arguments: the worker's runtime, then the command that runs a script in it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { ParentWorker, RemoteCallError, TimeoutError } from "multifrost";

const [runtime, ...command] = process.argv.slice(2);
const script = fileURLToPath(new URL("./worker.js", import.meta.url));

await spawned({}, callAll);
await spawned({ env: { FORGETFUL: "1" } }, async (worker) => assert.equal(await worker.call.reached(), "tcp"));
await spawned({ autoRestart: true }, noticeEnds);
await callService();
console.log("done");

async function spawned(options, use) {
  const worker = ParentWorker.spawn(script, command, options);
  try {
    await worker.start();
    await use(worker);
  } finally {
    const { pid } = worker;
    await worker.stop();
    assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  }
}

async function callAll(worker) {
  const lines = [];
  worker.on("stdout", (line) => lines.push(line));
  assert.equal(await worker.call.runtime(), runtime);
  assert.equal(await worker.call.reached(), "ipc");
  assert.deepEqual(await worker.call.environment(), []);
  assert.equal(await worker.call.add(1, 2), 3);
  await assert.rejects(worker.call.factorial(-1), (error) => {
    assert.ok(error instanceof RemoteCallError);
    assert.equal(error.remoteName, "RangeError");
    return true;
  });
  await assert.rejects(worker.withOptions({ timeout: 100 }).addSlowly(1, 2, 1000), TimeoutError);
  assert.equal(await worker.call.greet("Ada"), "Hello, Ada!");
  assert.deepEqual(lines, ["greeting Ada"]);

  const sums = await Promise.all(Array.from({ length: 1000 }, (_, i) => worker.call.add(i, 1)));
  assert.deepEqual(
    sums,
    Array.from({ length: 1000 }, (_, i) => i + 1),
  );
  for (const size of [1000, 70_000, 1_048_576, 8_388_608]) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31 + 7) & 0xff);
    assert.equal(Buffer.compare(await worker.call.echo(bytes), bytes), 0, `${size} bytes`);
  }
}

async function noticeEnds(worker) {
  const { pid } = worker;
  const exited = { name: "WorkerExitedError", exitCode: 3 };
  const pending = assert.rejects(worker.call.addSlowly(1, 2, 60_000), exited);
  await assert.rejects(worker.call.exit(3), exited);
  await pending;
  assert.equal(await worker.call.add(1, 2), 3);
  assert.notEqual(worker.pid, pid);

  const killed = assert.rejects(worker.call.addSlowly(1, 2, 60_000), { name: "WorkerExitedError", signal: "SIGKILL" });
  process.kill(worker.pid, "SIGKILL");
  await killed;
  assert.equal(await worker.call.add(1, 2), 3);
}

async function callService() {
  const name = `platforms-${process.pid}`;
  const [program, ...args] = command;
  const service = spawn(program, [...args, script, name], { stdio: "inherit" });
  const ended = once(service, "exit");
  const worker = await ParentWorker.connect(name, 20_000);
  await worker.start();
  const lines = [];
  worker.on("stdout", (line) => lines.push(line));
  assert.equal(await worker.call.factorial(5), 120);
  assert.equal(await worker.call.greet("Ada"), "Hello, Ada!");
  assert.deepEqual(lines, ["greeting Ada"]);
  await worker.stop();
  process.kill(service.pid, "SIGTERM");
  assert.deepEqual(await ended, [0, null]);
}
