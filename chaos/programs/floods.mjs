// Makes so many calls of 10 kB as fast as it can, and prints what became of them and the most memory of both processes, as JSON.
//
// patient: a call that is refused waits until another has settled, and is made again
// hasty:   all calls are made in one turn; those above the bounds are refused
// timed:   the worker is stopped, and calls time out while they wait for it

import { setImmediate, setTimeout } from "node:timers/promises";
import { ParentWorker } from "multifrost";

const BYTES = 10_000;
const HELD_MS = 20;

/** Calls that are made in one turn of the event loop. */
const IN_ONE_TURN = 1_000;

/** Calls that are wanted at the same time: more than the bounds allow. */
const LANES = 15_000;

const [way, times] = process.argv.slice(2);
const count = Number(times);
const worker = ParentWorker.spawn(new URL("../workers/holding.mjs", import.meta.url), {
  logger: false,
  maxRestartAttempts: 1_000_000,
});
await worker.start();
const outcomes = { answered: 0, refused: 0, again: 0, timedOut: 0, wrong: 0 };

/** A text of its own for each call, as real ones are. */
const textOf = (index) => `${index} `.padEnd(BYTES, "x");

const settledAs = (promise) =>
  promise.then(
    (length) => (length === BYTES ? "answered" : "wrong"),
    (error) => ({ OVERLOADED: "refused", TIMEOUT: "timedOut" })[error.code] ?? "wrong",
  );

const note = (outcome) => {
  outcomes[outcome] += 1;
};

const WAYS = {
  async patient() {
    let next = 0;
    const lane = async () => {
      while (next < count) {
        const index = next++;
        const hold = () => settledAs(worker.call.hold(textOf(index), HELD_MS));
        let outcome = await hold();
        while (outcome === "refused") {
          outcomes.again += 1;
          await setTimeout(10 * HELD_MS);
          outcome = await hold();
        }
        note(outcome);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  },
  async hasty() {
    const calls = [];
    for (let index = 0; index < count; index += 1) {
      calls.push(settledAs(worker.call.hold(textOf(index), HELD_MS)).then(note));
    }
    await Promise.all(calls);
  },
  async timed() {
    process.kill(worker.pid, "SIGSTOP");
    const timely = worker.withOptions({ timeout: 50 });
    const calls = [];
    for (let index = 0; index < count; index += 1) {
      calls.push(settledAs(timely.hold(textOf(index), 0)).then(note));
      if (index % IN_ONE_TURN === 0) {
        // Longer than the timeout now and then: what has timed out makes room for more.
        await (index % (10 * IN_ONE_TURN) === 0 ? setTimeout(60) : setImmediate());
      }
    }
    await Promise.all(calls);
    process.kill(worker.pid, "SIGCONT");
  },
};

await WAYS[way]();
let child;
while (child === undefined) {
  // There is room again when the worker has taken what waits.
  child = await worker.call.mostMegabytes().catch(() => setTimeout(HELD_MS));
}
await worker.stop();
console.log(JSON.stringify({ ...outcomes, parent: process.resourceUsage().maxRSS / 1024, child }));
