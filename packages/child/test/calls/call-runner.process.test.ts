import type { Message } from "@multifrost/protocol";
import { describe, expect, test } from "vitest";
import type { StandInParent } from "../support/parent.js";
import { spawnWorker } from "../support/processes.js";

/** The index of the answer to this message among all that arrived. */
async function place(parent: StandInParent, { id }: Pick<Message, "id">): Promise<number> {
  await parent.answer(id);
  return parent.received.findIndex((message) => message.id === id);
}

describe("[CALL-5] calls run at the same time", () => {
  test("a slow one does not hold up a fast one", async () => {
    const { parent } = await spawnWorker("answers-calls.mjs");
    const slow = parent.fire("hold");
    expect(await parent.call("add", [1, 2])).toMatchObject({ result: 3 });
    parent.fire("letGo");
    expect(await parent.answer(slow.id)).toMatchObject({ result: "held" });
  });

  test("five of 200 ms take less than a second", async () => {
    const { parent } = await spawnWorker("answers-calls.mjs");
    const from = performance.now();
    await Promise.all(Array.from({ length: 5 }, () => parent.call("wait", [200])));
    expect(performance.now() - from).toBeLessThan(900);
  });

  test("maxConcurrency 1 keeps them in order", async () => {
    const { parent } = await spawnWorker("answers-calls.mjs", { args: ["", '{"maxConcurrency":1}'] });
    const calls = [30, 1, 15, 0].map((ms) => parent.fire("wait", [ms]));
    const places = await Promise.all(calls.map((call) => place(parent, call)));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test("maxPending: further calls are refused at once", async () => {
    const { parent } = await spawnWorker("answers-calls.mjs", { args: ["", '{"maxPending":2}'] });
    parent.fire("hold");
    parent.fire("hold");
    expect(await parent.call("add", [1, 2])).toMatchObject({
      error: "Too many calls are waiting here (maxPending 2); call again later",
      metadata: { error: { code: "OVERLOADED" } },
    });
  });
});

describe("[CALL-5] heartbeats", () => {
  test("are answered while calls run, whether one at a time or all at once", async () => {
    const { parent } = await spawnWorker("answers-calls.mjs", { args: ["", '{"maxConcurrency":1}'] });
    parent.fire("hold");
    parent.fire("add", [1, 2]);
    expect(await parent.heartbeat()).toMatchObject({ metadata: { hb_response: true } });
  });

  test("are answered ahead of queued calls that keep the processor busy", async () => {
    const { parent } = await spawnWorker("answers-calls.mjs");
    const calls = Array.from({ length: 60 }, () => parent.fire("spin", [20]));
    const beat = await parent.heartbeat();
    const last = await place(parent, calls[59] as Message);
    const first = await place(parent, beat);
    expect(first).toBeLessThan(last - 20);
  });
});
