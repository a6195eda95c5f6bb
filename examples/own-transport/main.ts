// Starts a worker process and calls it over this transport: results, a remote error, and a worker that is killed and
// comes back. It checks every answer and fails if one is wrong.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseTcpEndpoint } from "@multifrost/transport";
import { ConnectionError, ParentWorker, RemoteCallError } from "multifrost";
import { netClient } from "./net-client.js";
import type { WordWorker } from "./worker.js";

// Ends this process if something hangs. The worker's stdin then ends, and so does the worker.
const deadline = setTimeout(() => assert.fail("not done within 30 seconds"), 30_000);

const first = await startProcess();
const { port } = first;
console.log(`a worker listens on port ${port}, process ${first.process.pid}`);
const worker = new ParentWorker<WordWorker>({ transport: netClient({ port }), name: "words" });
await worker.start();

const shouted = await worker.call.shout("over a custom transport");
assert.equal(shouted, "OVER A CUSTOM TRANSPORT!");
console.log(`shout(…) = ${shouted}`);

const million = Uint8Array.from({ length: 1_000_000 }, (_, index) => index % 251);
assert.deepEqual(await worker.call.reverse(million), million.slice().reverse());
console.log("reverse(1,000,000 bytes) came back reversed");

const remote = await failureOf(worker.call.repeat("ab", -1));
assert.ok(remote instanceof RemoteCallError);
console.log(`repeat("ab", -1) → ${remote.name}: ${remote.message}`);

const lost = failureOf(worker.call.takeAMinute());
// Calls arrive in order: when this one is answered, the worker is busy with the other.
await worker.call.shout("busy");
first.process.kill("SIGKILL");
const broken = await lost;
assert.ok(broken instanceof ConnectionError && broken.code === "CONNECTION_LOST");
console.log(`takeAMinute(), worker killed → ${broken.name}: ${broken.message}`);

// No process listens now: this call waits until one listens on the port again.
const waiting = worker.call.shout("back again");
const second = await startProcess(port);
assert.equal(second.port, port);
assert.equal(await waiting, "BACK AGAIN!");
console.log(`a new process ${second.process.pid} listens on the same port: the call that waited for it is answered`);

await worker.stop();
second.process.stdin?.end();
const [exitCode] = await once(second.process, "exit");
assert.equal(exitCode, 0);
clearTimeout(deadline);
console.log("Everything worked.");

/** Starts worker.ts with the same flags as this script; resolves when it has printed where it listens. */
async function startProcess(port = 0): Promise<{ process: ChildProcess; port: number }> {
  const script = fileURLToPath(new URL("./worker.ts", import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, script, String(port)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [firstLine] = await Promise.race([
    once(createInterface(child.stdout), "line"),
    once(child, "exit").then(([exitCode]) => assert.fail(`the worker ended with exit code ${exitCode}`)),
  ]);
  const endpoint = parseTcpEndpoint(firstLine);
  assert.ok(endpoint, `the worker's first line is an endpoint, not ${firstLine}`);
  return { process: child, port: endpoint.port };
}

/** The error that a call rejects with; the example fails if the call succeeds. */
async function failureOf(call: Promise<unknown>): Promise<Error> {
  return call.then(
    () => assert.fail("the call should have failed"),
    (error: Error) => error,
  );
}
