// What a worker answers before it ends in order arrives, however large it is and however the worker ends. The parent sends
// heartbeats all the while: a socket that is closed with unread bytes takes back what was sent on it.

import { fileURLToPath } from "node:url";
import { ParentWorker } from "multifrost";
import { describe, expect, it } from "vitest";
import { atEnd, service } from "./workers.js";

const SCRIPT = fileURLToPath(new URL("./fixtures/ends-with-an-answer.mjs", import.meta.url));

/** A message may have 64 MiB, of which a few bytes are not the answer's. */
const LENGTH = 64 * 1024 ** 2 - 256;

/** Ends of each kind. `MULTIFROST_ENDS=100` is the long form. */
const ENDS = Number(process.env.MULTIFROST_ENDS ?? 2);

/** In seconds. */
const OFTEN = { heartbeatInterval: 0.005, heartbeatTimeout: 30 };

interface EndingWorker {
  stops(length: number): Uint8Array;
  exitsAfterStop(length: number): Uint8Array;
  isTerminated(length: number): Uint8Array;
}

const kinds = ["stops", "exitsAfterStop", "isTerminated"] as const;

describe(`the last answer, of 64 MiB, arrives (${ENDS} times each)`, () => {
  it.each(kinds)("from a spawned worker that %s", async (kind) => {
    for (let end = 0; end < ENDS; end++) {
      const env = { MULTIFROST_TRANSPORT: "zmtp" };
      const worker = ParentWorker.spawn<EndingWorker>(SCRIPT, { transport: "zmtp", env, ...OFTEN });
      atEnd(() => worker.stop());
      await worker.start();
      expectAnswer(await worker.call[kind](LENGTH));
      await worker.stop();
    }
  });

  it.each(kinds)("from a service that %s", async (kind) => {
    for (let end = 0; end < ENDS; end++) {
      const worker = await service(process.execPath, SCRIPT, "zmtp").connect<EndingWorker>(OFTEN);
      expectAnswer(await worker.call[kind](LENGTH));
      await worker.stop();
    }
  });
});

function expectAnswer(bytes: Uint8Array): void {
  expect([bytes.length, bytes[0], bytes[LENGTH - 2], bytes[LENGTH - 1]]).toEqual([LENGTH, 7, 7, 8]);
}
