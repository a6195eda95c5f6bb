// A worker that imports `multifrost/child` pays for no parent code.

import assert from "node:assert/strict";
import { register } from "node:module";

register("./refuse-parent.js", import.meta.url);
const { ChildWorker } = await import("multifrost/child");
assert.equal(typeof ChildWorker, "function");
await assert.rejects(import("multifrost/parent"), /the parent's code was asked for/);
console.log("done");
