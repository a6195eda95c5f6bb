// Connect mode: a service that runs by itself, found by its name, and gone from the registry when it has ended.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { createFileRegistry, defaultRegistryDirectory } from "@multifrost/registry";
import { ParentWorker } from "multifrost";

assert.ok(defaultRegistryDirectory().startsWith(homedir()));
const service = spawn(process.execPath, [fileURLToPath(new URL("./worker.js", import.meta.url))], { stdio: "inherit" });
const ended = once(service, "exit");

const worker = await ParentWorker.connect("packed-greeter", 10_000);
await worker.start();
assert.equal(await worker.call.greet("packed"), "hello, packed");
await worker.stop();
assert.equal(service.exitCode, null, "a service outlives its callers");

service.kill("SIGTERM");
assert.deepEqual(await ended, [0, null]);
assert.deepEqual(await createFileRegistry().list(), []);
console.log("done");
