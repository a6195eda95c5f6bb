// Starts the worker, warms both up and counts one call at a time. Sends the counts of both sides to run.mjs.

import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { listen } from "./control.mjs";
import { createCounter } from "./counter.mjs";

/** Calls before anything counts. */
const WARM_UP = 200;

/** Calls that are counted, each alone. */
const ROUNDS = 5;

const counter = await createCounter();
const { ParentWorker } = await import(new URL("parent/src/index.ts", process.env.CALL_PATH_PACKAGES).href);
const control = await listen();

// No heartbeat meets the call that counts. All else is as it is by default.
const worker = ParentWorker.spawn(fileURLToPath(new URL("./child.mjs", import.meta.url)), {
  heartbeatInterval: 0,
  env: { CALL_PATH_PORT: String(control.port) },
});
await worker.start();
for (let call = 0; call < WARM_UP; call += 1) {
  assert.equal(await worker.call.add(1, 2), 3);
}
const rounds = [];
for (let round = 0; round < ROUNDS; round += 1) {
  rounds.push(await countOneCall());
}
await worker.stop();
await control.close();
process.send({
  parent: quietest(rounds.map(({ parent }) => parent)),
  child: quietest(rounds.map(({ child }) => child)),
});
process.disconnect();

async function countOneCall() {
  await settled();
  await control.take();
  await counter.take();
  await worker.call.add(1, 2);
  await settled();
  const parent = await counter.take();
  return { parent, child: await control.take() };
}

/** What a call leaves to do for the turns after it counts as well. */
async function settled() {
  for (let turn = 0; turn < 10; turn += 1) {
    await setImmediate();
  }
}

/** The round with the fewest invocations: in it no timer of the library was due. */
function quietest(rounds) {
  const totals = rounds.map((files) => {
    const functions = files.flatMap((file) => file.functions);
    const invocations = functions.reduce((sum, { count }) => sum + count, 0);
    return { files: files.length, functions: functions.length, invocations, byFile: files };
  });
  return totals.reduce((least, total) => (total.invocations < least.invocations ? total : least));
}
