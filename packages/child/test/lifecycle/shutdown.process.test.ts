import { describe, expect, test } from "vitest";
import { spawnWorker } from "../support/processes.js";

describe("[LIFE-2] [MSG-13] a shutdown message", () => {
  test("lets calls in flight finish and answers them, answers later ones with an error, and exits 0", async () => {
    const { parent, ended, stdout, stderr } = await spawnWorker("answers-calls.mjs");
    const waiting = parent.fire("wait", [300]);
    parent.shutdown();
    const late = parent.fire("add", [1, 2]);
    expect(await parent.answer(late.id)).toMatchObject({
      type: "error",
      error: "This worker is stopping and takes no more calls",
    });
    expect(await parent.answer(waiting.id)).toMatchObject({ type: "response", result: 300 });
    expect(await ended).toBe(0);
    expect(stdout() + stderr()).toBe("");
  });

  test("[CALL-5] overtakes calls that wait: they are finished too, in order", async () => {
    const { parent, ended } = await spawnWorker("answers-calls.mjs", { args: ["", '{"maxConcurrency":1}'] });
    const calls = [60, 40, 20].map((ms) => parent.fire("wait", [ms]));
    parent.shutdown();
    await Promise.all(calls.map(({ id }) => parent.answer(id)));
    expect(parent.received.filter(({ type }) => type === "response").map(({ id }) => id)).toEqual(
      calls.map(({ id }) => id),
    );
    expect(await ended).toBe(0);
  });

  test("with a call that never ends, exits 0 after stopTimeout", async () => {
    const { parent, ended } = await spawnWorker("answers-calls.mjs", { args: ["", '{"stopTimeout":50}'] });
    parent.fire("hold");
    parent.shutdown();
    expect(await ended).toBe(0);
  });

  test("ends a process that something else keeps alive", async () => {
    const { parent, ended } = await spawnWorker("answers-calls.mjs");
    await parent.call("holdProcess");
    parent.shutdown();
    expect(await ended).toBe(0);
  });

  test("may be sent twice", async () => {
    const { parent, ended } = await spawnWorker("answers-calls.mjs");
    parent.shutdown();
    parent.shutdown();
    expect(await ended).toBe(0);
  });

  test("answers are sent before the end: 1 000 of 10 KB that are queued arrive", async () => {
    const { parent, ended } = await spawnWorker("answers-calls.mjs");
    const payload = new Uint8Array(10_000);
    const calls = Array.from({ length: 1_000 }, () => parent.fire("echo", [payload]));
    parent.shutdown();
    expect(await ended).toBe(0);
    await Promise.all(calls.map(({ id }) => parent.answer(id)));
  });
});

test("a worker that calls stop() in a method answers that call, and its process ends", async () => {
  const { parent, ended } = await spawnWorker("answers-calls.mjs");
  expect(await parent.call("quit")).toMatchObject({ result: "quitting" });
  expect(await ended).toBe(0);
});
