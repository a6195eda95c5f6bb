// Multifrost as its users have it: a spawned child, every option at its default. The other end: worker.mjs.

import assert from "node:assert/strict";
import { ParentWorker } from "multifrost";
import { medianOfRoundTrips, rateOfCalls } from "../measure.mjs";

/** Spawns the child and makes each kind of call once, to see that the answers are right. */
export async function startMultifrost(large) {
  const begin = performance.now();
  const worker = ParentWorker.spawn(new URL("./worker.mjs", import.meta.url));
  await worker.start();
  const startMillis = performance.now() - begin;
  assert.equal(await worker.call.add(1, 2), 3);
  assert.deepEqual(await worker.call.echo(large), large);
  return {
    startMillis,
    small: {
      medianMicros: (ms) => medianOfRoundTrips(() => worker.call.add(1, 2), ms),
      rate: (inFlight, ms) => rateOfCalls(() => worker.call.add(1, 2), inFlight, ms),
    },
    large: { medianMicros: (ms) => medianOfRoundTrips(() => worker.call.echo(large), ms) },
    close: () => worker.stop(),
  };
}
