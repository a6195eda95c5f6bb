import { describe, expect, it } from "vitest";
import { ECHO_SCRIPT, service, spawned } from "./workers.js";

describe("many calls at once", () => {
  it("[CALL-4] 100,000 calls fired without awaiting all settle, run in order of dispatch", {
    timeout: 60_000,
  }, async () => {
    const worker = await spawned();
    const settled: number[] = [];
    const calls = Array.from({ length: 100_000 }, async (_, tag) => {
      const answer = await worker.call.count(tag);
      settled.push(tag);
      return answer;
    });
    const answers = await Promise.all(calls);
    expect(answers.every(([tag, before], index) => tag === index && before === index)).toBe(true);
    expect(settled.every((tag, index) => tag === index)).toBe(true);
    expect(worker.metrics).toMatchObject({ requestsSuccess: 100_000, requestsFailed: 0, droppedMessages: 0 });
  });

  it("2,000 calls in flight across 20 parents on one service each get their own answer", {
    timeout: 60_000,
  }, async () => {
    const { connect } = service(process.execPath, ECHO_SCRIPT);
    const parents = await Promise.all(Array.from({ length: 20 }, () => connect()));
    const calls = parents.flatMap((parent, p) =>
      Array.from({ length: 100 }, async (_, n) => (await parent.call.echo([p, n])) as [number, number]),
    );
    const answers = await Promise.all(calls);
    expect(answers).toEqual(parents.flatMap((_, p) => Array.from({ length: 100 }, (_unused, n) => [p, n])));
  });
});
