// What the compiler says of ParentWorker itself. Checked by `tsc -p tsconfig.test.json`; none of it runs.

import { describe, expectTypeOf, it } from "vitest";
import { ParentWorker } from "../src/index.js";

interface MathWorker {
  add(a: number, b: number): number;
}

const math = undefined as unknown as ParentWorker<MathWorker>;

/** What is inside `if (never)` is for the compiler alone. */
const never = false as boolean;

describe("ParentWorker", () => {
  it("callFunction has unknown results by default, and takes a timeout or options", () => {
    if (never) {
      expectTypeOf(math.callFunction("add", [1, 2])).toEqualTypeOf<Promise<unknown>>();
      expectTypeOf(math.callFunction<number>("add", [1, 2], 5000, "ns", "me")).toEqualTypeOf<Promise<number>>();
      expectTypeOf(math.callFunction<number>("add", [1, 2], { timeout: 1 })).toEqualTypeOf<Promise<number>>();
      // @ts-expect-error arguments are a list
      math.callFunction("add", 1);
    }
  });

  it("spawn and connect take the worker's type", () => {
    expectTypeOf(ParentWorker.spawn<MathWorker>).returns.toEqualTypeOf<ParentWorker<MathWorker>>();
    expectTypeOf(ParentWorker.connect<MathWorker>).returns.toEqualTypeOf<Promise<ParentWorker<MathWorker>>>();
    if (never) {
      ParentWorker.spawn<MathWorker>("./x.ts", ["node", "--no-warnings"], { args: ["x"] });
      ParentWorker.spawn<MathWorker>("./x.ts", { args: ["x"] });
      ParentWorker.connect<MathWorker>("x", 1000);
      // @ts-expect-error the internal form of the constructor is not for users
      new ParentWorker<MathWorker>();
    }
  });

  it("events have typed arguments", () => {
    if (never) {
      math.on("stdout", (line) => expectTypeOf(line).toEqualTypeOf<string>());
      math.on("exit", ({ exitCode }) => expectTypeOf(exitCode).toEqualTypeOf<number | null>());
      math.on("heartbeat", (beat) => expectTypeOf(beat).toExtend<object>());
    }
  });
});
