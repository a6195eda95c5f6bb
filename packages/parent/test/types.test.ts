// What the compiler says of `worker.call`. Checked by `tsc -p tsconfig.test.json`; most of it never runs.

import { describe, expectTypeOf, it } from "vitest";
import { type AnyWorker, type CallOptions, type CallProxy, ParentWorker, type RemoteMethods } from "../src/index.js";

/** Has what ChildWorker has, so that this package need not depend on it. */
abstract class LikeChildWorker {
  readonly namespace: string = "default";
  get serviceId(): string | undefined {
    return undefined;
  }
  async run(): Promise<void> {}
  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  listFunctions(): string[] {
    return [];
  }
}

class MathWorker extends LikeChildWorker {
  readonly precision: number = 2;
  add(a: number, b: number): number {
    return a + b;
  }
  async divide(a: number, b = 1): Promise<{ quotient: number }> {
    return { quotient: a / b };
  }
  sum(...numbers: number[]): number {
    return numbers.length;
  }
  log(_text?: string): void {}
  _secret(): string {
    return "";
  }
  protected helper(): string {
    return "";
  }
  private own(): string {
    return "";
  }
  callsOwn(): string {
    return this.own();
  }
}

/** A worker in Python, described by hand. */
interface PythonWorker {
  predict(rows: number[][]): number[];
  train_model(name: string): Promise<{ loss: number }>;
}

const math = undefined as unknown as ParentWorker<MathWorker>;
const python = undefined as unknown as ParentWorker<PythonWorker>;
const anyWorker = undefined as unknown as ParentWorker;

/** What is inside `if (never)` is for the compiler alone. */
const never = false as boolean;

describe("worker.call", () => {
  it("offers the public methods, with their arguments, as functions that return promises", () => {
    expectTypeOf<CallProxy<MathWorker>["add"]>().toEqualTypeOf<(a: number, b: number) => Promise<number>>();
    expectTypeOf<CallProxy<MathWorker>["sum"]>().toEqualTypeOf<(...numbers: number[]) => Promise<number>>();
    expectTypeOf<CallProxy<MathWorker>["log"]>().toEqualTypeOf<(text?: string) => Promise<void>>();
  });

  it("a method that returns a promise already gives that, and not a promise of a promise", () => {
    expectTypeOf<CallProxy<MathWorker>["divide"]>().toEqualTypeOf<
      (a: number, b?: number) => Promise<{ quotient: number }>
    >();
  });

  it("offers nothing else: not properties, _private, private, or protected names, nor what ChildWorker has", () => {
    expectTypeOf<keyof RemoteMethods<MathWorker>>().toEqualTypeOf<"add" | "divide" | "sum" | "log" | "callsOwn">();
    expectTypeOf<keyof CallProxy<MathWorker>>().toEqualTypeOf<
      "add" | "divide" | "sum" | "log" | "callsOwn" | "withOptions"
    >();
  });

  it("refuses what cannot be called, and wrong arguments", () => {
    if (never) {
      // @ts-expect-error a property is not callable
      math.call.precision();
      // @ts-expect-error a name with _ is private
      math.call._secret();
      // @ts-expect-error a protected method is not public
      math.call.helper();
      // @ts-expect-error a private method is not public
      math.call.own();
      // @ts-expect-error the base class's own
      math.call.run();
      // @ts-expect-error the base class's own
      math.call.start();
      // @ts-expect-error the base class's own
      math.call.stop();
      // @ts-expect-error the base class's own; the parent has it as worker.listFunctions()
      math.call.listFunctions();
      // @ts-expect-error the base class's own
      math.call.namespace;
      // @ts-expect-error the base class's own
      math.call.serviceId;
      // @ts-expect-error no such method
      math.call.subtract(1, 2);
      // @ts-expect-error wrong type
      math.call.add("1", 2);
      // @ts-expect-error too few
      math.call.add(1);
      // @ts-expect-error too many
      math.call.add(1, 2, 3);
      // @ts-expect-error the methods cannot be replaced
      math.call.add = async () => 1;
    }
  });

  it("withOptions has the same methods and no withOptions, and takes the options of a call", () => {
    expectTypeOf<ReturnType<CallProxy<MathWorker>["withOptions"]>>().toEqualTypeOf<RemoteMethods<MathWorker>>();
    expectTypeOf<Parameters<ParentWorker<MathWorker>["withOptions"]>>().toEqualTypeOf<[options: CallOptions]>();
    expectTypeOf<ReturnType<ParentWorker<MathWorker>["withOptions"]>>().toEqualTypeOf<RemoteMethods<MathWorker>>();
    if (never) {
      // @ts-expect-error no such option
      math.withOptions({ timeoutMs: 5 });
      // @ts-expect-error wrong argument, in a chain too
      math.withOptions({ timeout: 5 }).add("1", 2);
    }
  });

  it("a hand-written interface of a Python worker does as well as a class", () => {
    expectTypeOf<CallProxy<PythonWorker>["predict"]>().toEqualTypeOf<(rows: number[][]) => Promise<number[]>>();
    expectTypeOf<CallProxy<PythonWorker>["train_model"]>().toEqualTypeOf<(name: string) => Promise<{ loss: number }>>();
    if (never) {
      // @ts-expect-error no such method
      python.call.trainModel("x");
      // @ts-expect-error wrong argument
      python.call.predict([1]);
    }
  });

  it("without a type any name can be called, with unknown results", () => {
    expectTypeOf<CallProxy<AnyWorker>["withOptions"]>().toEqualTypeOf<
      (options: CallOptions) => RemoteMethods<AnyWorker>
    >();
    if (never) {
      expectTypeOf(anyWorker.call.anything!(1, "two")).toEqualTypeOf<Promise<unknown>>();
      expectTypeOf(anyWorker.withOptions({}).anything!()).toEqualTypeOf<Promise<unknown>>();
    }
  });
});

describe("the rest", () => {
  it("callFunction has unknown results unless told otherwise, and takes a timeout or options", () => {
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
