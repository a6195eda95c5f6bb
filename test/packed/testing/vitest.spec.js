import { testWorker } from "@multifrost/testing";
import { ChildWorker } from "multifrost";
import { describe, expect, it, vi } from "vitest";
import { declare } from "./cases.js";

declare({ describe, it });

class Adder extends ChildWorker {
  add(a, b) {
    return a + b;
  }
}

it("calls are answered under fake timers", async () => {
  vi.useFakeTimers();
  const worker = await testWorker(new Adder());
  expect(await worker.call.add(1, 2)).toBe(3);
  await worker.stop();
  vi.useRealTimers();
});
