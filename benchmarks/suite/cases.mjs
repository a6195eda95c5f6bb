// What is measured. A case runs for a while and gives one figure; `better` says whether more or less of it is better.

import assert from "node:assert/strict";
import { memory } from "./memory.mjs";
import { records } from "./records.mjs";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Calls that stay pending while memory is measured. */
const PENDING_CALLS = 10_000;

/**
 * By id. `run(connection, ms)` gives `{ value, calls }`, and `samples` in microseconds where single calls are timed. A case with
 * `runOnce(open)` opens a connection itself, and gives `{ value }`.
 */
export const cases = {
  sequential: {
    title: "One call after the other",
    unit: "µs",
    better: "less",
    run: (connection, ms) => timed(async () => assert.equal(await connection.add(1, 2), 3), ms),
  },
  "in-flight-16": inFlight(16),
  "in-flight-128": inFlight(128),
  "in-flight-1024": inFlight(1024),
  "echo-1-kib": echo("1 KiB", KIB),
  "echo-64-kib": echo("64 KiB", 64 * KIB),
  "echo-1-mib": echo("1 MiB", MIB),
  "echo-16-mib": echo("16 MiB", 16 * MIB),
  object: {
    title: "Object of 1,000 fields there and back",
    unit: "µs",
    better: "less",
    supports: (connection) => connection.object !== undefined,
    run: (connection, ms) =>
      timed(async () => {
        const answered = await connection.object(records);
        assert.equal(answered.records.at(-1).address.street, records.records.at(-1).address.street);
      }, ms),
  },
  start: {
    title: "From spawn to the first answer",
    unit: "ms",
    better: "less",
    async runOnce(open) {
      const begin = performance.now();
      const connection = await open();
      await connection.add(1, 2);
      const value = performance.now() - begin;
      await connection.close();
      return { value };
    },
  },
  "pending-memory": {
    title: "Memory of a pending call, at the caller",
    unit: "KiB",
    better: "less",
    supports: (connection) => connection.wait !== undefined,
    // Its calls end with the process: nothing is closed.
    async runOnce(open) {
      const connection = await open();
      await connection.add(1, 2);
      const before = memory();
      for (let index = 0; index < PENDING_CALLS; index += 1) {
        connection.wait();
      }
      // Answered after the other end has all of them.
      await connection.add(1, 2);
      return { value: (memory() - before) / PENDING_CALLS / KIB };
    },
  },
};

function inFlight(count) {
  return {
    title: `${count} calls in flight`,
    unit: "calls/s",
    better: "more",
    async run(connection, ms) {
      const begin = performance.now();
      const end = begin + ms;
      let calls = 0;
      const lane = async () => {
        while (performance.now() < end) {
          assert.equal(await connection.add(1, 2), 3);
          calls += 1;
        }
      };
      await Promise.all(Array.from({ length: count }, lane));
      return { value: (calls / (performance.now() - begin)) * 1000, calls };
    },
  };
}

/** In bytes per second of one direction: as many travel back at the same time. */
function echo(title, length) {
  const bytes = new Uint8Array(length).map((_, index) => index);
  return {
    title: `${title} there and back`,
    unit: "MB/s",
    better: "more",
    supports: (connection) => connection.echo !== undefined,
    async run(connection, ms) {
      const begin = performance.now();
      const { calls } = await timed(async () => {
        const answered = await connection.echo(bytes);
        assert.equal(answered.length, length);
        assert.equal(answered[length - 1], bytes[length - 1]);
      }, ms);
      return { value: (calls * length) / ((performance.now() - begin) * 1000), calls };
    },
  };
}

/** Runs one after the other; the median in microseconds. Runs at least once, however long it takes. */
async function timed(run, ms) {
  const samples = [];
  const end = performance.now() + ms;
  for (let before = performance.now(); before < end || samples.length === 0; ) {
    await run();
    const after = performance.now();
    samples.push((after - before) * 1000);
    before = after;
  }
  const sorted = samples.toSorted((a, b) => a - b);
  return { value: sorted[sorted.length >> 1], calls: samples.length, samples };
}
