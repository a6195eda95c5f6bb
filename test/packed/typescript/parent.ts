// TypeScript by tsx: the worker's types come over, and its script is found a runner for by itself.

import assert from "node:assert/strict";
import { ParentWorker } from "multifrost";
import type { GeometryWorker } from "./worker.js";

await using worker = ParentWorker.spawn<GeometryWorker>(new URL("./worker.ts", import.meta.url));
await worker.start();

const distance: number = await worker.call.distance({ x: 0, y: 0 }, { x: 3, y: 4 });
assert.equal(distance, 5);
const reversed: Uint8Array = await worker.call.reversed(Uint8Array.of(1, 2, 3));
assert.deepEqual(reversed, Uint8Array.of(3, 2, 1));
assert.deepEqual(await worker.listFunctions(), ["distance", "reversed"]);
console.log("done");
