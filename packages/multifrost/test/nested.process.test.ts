// Processes that a worker starts: none of them is taken for the worker, and services among them register.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFileRegistry } from "@multifrost/registry";
import { ParentWorker } from "multifrost";
import { describe, expect, it, vi } from "vitest";
import { atEnd, temporaryHome } from "./workers.js";

interface Nesting {
  who(): number;
  count(): number;
  launch(kind: string): number;
  ended(): number;
  whoOfItsWorker(): number;
}

const script = fileURLToPath(new URL("./fixtures/nesting-worker.mjs", import.meta.url));

async function started() {
  const home = temporaryHome();
  const lines: string[] = [];
  const worker = ParentWorker.spawn<Nesting>(script, undefined, { env: { HOME: home } });
  worker.on("stderr", (line) => lines.push(line));
  atEnd(() => worker.stop());
  await worker.start();
  /** The pids that answer 100 calls. */
  const whoAnswers = async (): Promise<number[]> => [
    ...new Set(await Promise.all(Array.from({ length: 100 }, () => worker.call.who()))),
  ];
  return { worker, lines, home, whoAnswers };
}

describe.each(["itself by fork", "itself by spawn", "itself by cluster"])("a worker that starts %s", (kind) => {
  it("[NET-9] answers 100 of 100 calls itself; the other process ends with one line that says why", async () => {
    const { worker, lines, whoAnswers } = await started();
    const other = await worker.call.launch(kind);
    expect(other).not.toBe(worker.pid);
    expect(await whoAnswers()).toEqual([worker.pid]);
    expect(await worker.call.ended()).toBe(1);
    await vi.waitFor(() => expect(lines).toHaveLength(1));
    expect(lines[0]).toMatch(
      /^multifrost: This worker has neither COMLINK_ZMQ_PORT in its environment nor a service id\./,
    );
    const counts = [];
    for (let count = 0; count < 10; count++) {
      counts.push(await worker.call.count());
    }
    expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(worker.state).toBe("running");
  });
});

describe.each(["a service by fork", "a service by spawn"])("a worker that starts %s", (kind) => {
  it("[NET-9] answers 100 of 100 calls itself; the service registers and answers its own", async () => {
    const { worker, home, whoAnswers } = await started();
    const other = await worker.call.launch(kind);
    expect(await whoAnswers()).toEqual([worker.pid]);
    const registry = createFileRegistry({ directory: join(home, ".multifrost") });
    const service = await ParentWorker.connect<Nesting>("nested-service", { registry, timeout: 20_000 });
    atEnd(() => service.stop());
    await service.start();
    expect(await service.call.who()).toBe(other);
    expect(await whoAnswers()).toEqual([worker.pid]);
  });
});

it("[NET-9] a worker that spawns a worker gets its answers, and answers its own calls", async () => {
  const { worker, whoAnswers } = await started();
  const inner = await worker.call.whoOfItsWorker();
  expect(inner).not.toBe(worker.pid);
  expect(await whoAnswers()).toEqual([worker.pid]);
});
