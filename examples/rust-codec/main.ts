// Spawns the codec, compresses a real text and checks that it comes back unchanged.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { ParentWorker, RemoteCallError } from "multifrost";
import { LZ4_CODEC_HASH, type Lz4Codec } from "./lz4-codec.js";

const program = new URL("./target/debug/lz4-codec", import.meta.url);

await using worker = ParentWorker.spawn<Lz4Codec>(program, { interfaceHash: LZ4_CODEC_HASH });
await worker.start();

const text = readFileSync(new URL("../../docs/protocol.md", import.meta.url));
const block = await worker.call.compress(text);
assert.ok(block.length < text.length);
console.log(`compress(${text.length} bytes) → ${block.length} bytes`);

const restored = await worker.call.restore(block);
assert.ok(text.equals(restored));
console.log(`restore(${block.length} bytes) → ${restored.length} bytes, the same as before`);

const pieces = Array.from({ length: 20 }, (_, index) => text.subarray(index * 500, (index + 1) * 500));
const blocks = await Promise.all(pieces.map((piece) => worker.call.compress(piece)));
const again = await Promise.all(blocks.map((piece) => worker.call.restore(piece)));
assert.ok(Buffer.concat(again).equals(Buffer.concat(pieces)));
console.log(`${pieces.length} pieces at once: each came back unchanged`);

const refused = await worker.call.restore(text).catch((error: unknown) => error);
assert.ok(refused instanceof RemoteCallError);
assert.equal(refused.remoteName, "CorruptBlock");
console.log(`restore(plain text) → ${refused.remoteName}: ${refused.remoteMessage}`);
console.log("Everything worked.");
