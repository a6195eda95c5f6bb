// Where the zeromq package is not installed, choosing it says what to install, at both ends.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ParentWorker } from "multifrost";

const script = fileURLToPath(new URL("../platforms/worker.js", import.meta.url));

const parent = ParentWorker.spawn(script, undefined, { transport: "zeromq" });
await assert.rejects(parent.start(), { code: "TRANSPORT_UNAVAILABLE", message: /npm install zeromq/ });

const env = { ...process.env, MULTIFROST_TRANSPORT: "zeromq" };
const { status, stderr } = spawnSync(process.execPath, [script, "a-service"], { env, encoding: "utf8" });
assert.equal(status, 1);
assert.match(stderr, /^multifrost: .*npm install zeromq.*\n$/);
console.log("done");
