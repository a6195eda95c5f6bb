// What the compiler says of `worker.call`. Checked by `tsc -p tsconfig.test.json`; little of it runs.

import { ChildWorker } from "@multifrost/child";
import { createMemoryTransport } from "@multifrost/transport";
import { describe, expect, expectTypeOf, it, onTestFinished } from "vitest";
import { type AnyWorker, type CallOptions, type CallProxy, ParentWorker, type RemoteMethods } from "../../src/index.js";

class MathWorker extends ChildWorker {
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
  reset: () => void;
  scale: (by: number) => Promise<number>;
}

interface User {
  name: string;
  friends: User[];
}

class SignaturesWorker extends ChildWorker {
  async first<Item>(items: Item[]): Promise<Item> {
    return items[0] as Item;
  }
  async named<Item extends User>(items: Item[]): Promise<Item> {
    return items[0] as Item;
  }
  identity<Value>(value: Value): Value {
    return value;
  }
  async indexed<Value>(value: Value): Promise<Map<string, Value>> {
    return new Map([["", value]]);
  }
  look(id: number): Promise<User>;
  look(name: string, exact: boolean): Promise<User[]>;
  async look(_key: number | string, _exact?: boolean): Promise<never> {
    throw new Error();
  }
  count(id: number): number;
  count(name: string): bigint;
  count(_key: number | string): never {
    throw new Error();
  }
  index(id: number): Promise<User>;
  index(name: string): Promise<Map<string, User>>;
  index(flag: boolean): Promise<Set<User>>;
  async index(_key: number | string | boolean): Promise<never> {
    throw new Error();
  }
  five(key: 1): 1;
  five(key: 2): 2;
  five(key: 3): 3;
  five(key: 4): 4;
  five(key: 5): 5;
  five(_key: number): never {
    throw new Error();
  }
  async users(): Promise<User[]> {
    return [];
  }
  usersByName(): Map<string, User> {
    return new Map();
  }
  maybe(id: number): Promise<User> | undefined {
    return id === 0 ? undefined : this.look(id);
  }
  fails(): never {
    throw new Error();
  }
  // biome-ignore lint/suspicious/noExplicitAny: what users write
  loose(_value: string): any {}
  isUser(value: unknown): value is User {
    return typeof value === "object";
  }
  async bound(this: SignaturesWorker, id: number): Promise<number> {
    return id;
  }
  async withOptions(text: string): Promise<string> {
    return text;
  }
  // biome-ignore lint/suspicious/noThenProperty: what users write
  then(): void {}
  toJSON(): string {
    return "";
  }
  override toString(): string {
    return "";
  }
}

class FunctionPropertiesWorker extends ChildWorker {
  scale = (value: number): number => value * 2;
  optional = (_value?: number): void => {};
  rest = (..._values: string[]): void => {};
  callback = (each: (value: number) => void): void => each(1);
  readonly fixed = (): number => 1;
  get accessor(): (value: number) => number {
    return this.scale;
  }
  noParameters = (): number => 1;
  // biome-ignore lint/suspicious/noExplicitAny: what users write
  anything = (..._values: any[]): any => {};
  method(_value?: number): void {}
  methodWithCallback(_each: (value: number) => void): void {}
  methodWithAny(_value: unknown): void {}
  methodWithNothing(): void {}
  isText(value: unknown): value is string {
    return typeof value === "string";
  }
}

const math = undefined as unknown as ParentWorker<MathWorker>;
const python = undefined as unknown as ParentWorker<PythonWorker>;
const anyWorker = undefined as unknown as ParentWorker;
const functions = undefined as unknown as ParentWorker<FunctionPropertiesWorker>;

/** What is inside `if (never)` is for the compiler alone. */
const never = false as boolean;

describe("worker.call", () => {
  it("offers the public methods, with their arguments, as functions that return promises", () => {
    expectTypeOf<CallProxy<MathWorker>["add"]>().toEqualTypeOf<(a: number, b: number) => Promise<number>>();
    expectTypeOf<CallProxy<MathWorker>["sum"]>().toEqualTypeOf<(...numbers: number[]) => Promise<number>>();
    expectTypeOf<CallProxy<MathWorker>["log"]>().toEqualTypeOf<(text?: string) => Promise<void>>();
  });

  it("a method that returns a promise gives that promise, not a promise of a promise", () => {
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
      // A test can put a mock in a method's place.
      math.call.add = async () => 1;
      // @ts-expect-error wrong type of mock
      math.call.add = async () => "1";
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

  it("a remote method called withOptions is reached through a chain", () => {
    expectTypeOf<CallProxy<SignaturesWorker>["withOptions"]>().toEqualTypeOf<
      (options: CallOptions) => RemoteMethods<SignaturesWorker>
    >();
    expectTypeOf<RemoteMethods<SignaturesWorker>["withOptions"]>().toEqualTypeOf<(text: string) => Promise<string>>();
  });

  it("does not offer names that every object is asked for, since the proxy has none of them", () => {
    expectTypeOf<Extract<keyof CallProxy<SignaturesWorker>, "then" | "toJSON" | "toString">>().toEqualTypeOf<never>();
  });

  it("a hand-written interface of a Python worker works like a class, in method and in property syntax", () => {
    expectTypeOf<CallProxy<PythonWorker>["predict"]>().toEqualTypeOf<(rows: number[][]) => Promise<number[]>>();
    expectTypeOf<CallProxy<PythonWorker>["train_model"]>().toEqualTypeOf<(name: string) => Promise<{ loss: number }>>();
    expectTypeOf<CallProxy<PythonWorker>["reset"]>().toEqualTypeOf<() => Promise<void>>();
    expectTypeOf<CallProxy<PythonWorker>["scale"]>().toEqualTypeOf<(by: number) => Promise<number>>();
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

describe("the signature of a remote method", () => {
  type Methods = RemoteMethods<SignaturesWorker>;

  it("keeps generics and overloads where the method returns promises of values that arrive unchanged", () => {
    expectTypeOf<Methods["first"]>().toEqualTypeOf<<Item>(items: Item[]) => Promise<Item>>();
    expectTypeOf<Methods["named"]>().toEqualTypeOf<<Item extends User>(items: Item[]) => Promise<Item>>();
    expectTypeOf<Methods["look"]>().toEqualTypeOf<SignaturesWorker["look"]>();
    expectTypeOf<Methods["users"]>().toEqualTypeOf<() => Promise<User[]>>();
  });

  it("has results as they arrive, also where the method returns a promise already", () => {
    expectTypeOf<Methods["usersByName"]>().toEqualTypeOf<() => Promise<{ [key: string]: User }>>();
    expectTypeOf<Methods["maybe"]>().toEqualTypeOf<(id: number) => Promise<User | undefined>>();
    expectTypeOf<Methods["indexed"]>().toEqualTypeOf<(value: unknown) => Promise<{ [key: string]: unknown }>>();
  });

  it("keeps up to four overloads where the results change, and the last four of more", () => {
    expectTypeOf<Methods["count"]>().toEqualTypeOf<
      ((id: number) => Promise<number>) & ((name: string) => Promise<number | bigint>)
    >();
    expectTypeOf<Methods["index"]>().toEqualTypeOf<
      ((id: number) => Promise<User>) &
        ((name: string) => Promise<{ [key: string]: User }>) &
        ((flag: boolean) => Promise<User[]>)
    >();
    expectTypeOf<Methods["five"]>().toEqualTypeOf<
      ((key: 2) => Promise<2>) & ((key: 3) => Promise<3>) & ((key: 4) => Promise<4>) & ((key: 5) => Promise<5>)
    >();
  });

  it("has constraints instead of type parameters where the method returns no promise", () => {
    expectTypeOf<Methods["identity"]>().toEqualTypeOf<(value: unknown) => Promise<unknown>>();
  });

  it("returns a promise also where the method returns any, never, or a test of its argument", () => {
    // biome-ignore lint/suspicious/noExplicitAny: what users write
    expectTypeOf<Methods["loose"]>().toEqualTypeOf<(value: string) => Promise<any>>();
    expectTypeOf<Methods["fails"]>().toEqualTypeOf<() => Promise<never>>();
    expectTypeOf<Methods["isUser"]>().toEqualTypeOf<(value: unknown) => Promise<boolean>>();
  });

  it("does not ask its caller for the method's this", () => {
    if (never) {
      const { call } = undefined as unknown as ParentWorker<SignaturesWorker>;
      expectTypeOf(call.bound(1)).toEqualTypeOf<Promise<number>>();
    }
  });
});

describe("a property that holds a function", () => {
  type Methods = RemoteMethods<FunctionPropertiesWorker>;

  it("of a class that extends ChildWorker has a type that says why it cannot be called", () => {
    expectTypeOf<
      Methods["scale"]["notCallable"]
    >().toEqualTypeOf<"'scale' is a function property, not a method: write scale() { … } in the class to make it callable">();
    expectTypeOf<Methods["optional"]>().toHaveProperty("notCallable");
    expectTypeOf<Methods["rest"]>().toHaveProperty("notCallable");
    expectTypeOf<Methods["callback"]>().toHaveProperty("notCallable");
    expectTypeOf<Methods["fixed"]>().toHaveProperty("notCallable");
    expectTypeOf<Methods["accessor"]>().toHaveProperty("notCallable");
    if (never) {
      // @ts-expect-error not callable
      functions.call.scale(1);
      // @ts-expect-error not callable
      functions.withOptions({}).fixed();
    }
  });

  it("shows the reason that the worker gives at run time", async () => {
    class ScalingWorker extends ChildWorker {
      scale = (value: number): number => value * 2;
    }
    const memory = createMemoryTransport();
    await using worker = new ParentWorker<ScalingWorker>({ transport: memory.client() });
    const child = new ScalingWorker({ transport: memory.server });
    onTestFinished(() => child.stop());
    await Promise.all([child.start(), worker.start()]);

    const reason: (typeof worker.call.scale)["notCallable"] =
      "'scale' is a function property, not a method: write scale() { … } in the class to make it callable";
    await expect(worker.callFunction("scale", [1])).rejects.toMatchObject({
      code: "NOT_CALLABLE",
      remoteMessage: reason,
    });
  });

  it("is not mistaken for a method: methods of any shape stay callable", () => {
    expectTypeOf<Methods["method"]>().toEqualTypeOf<(value?: number) => Promise<void>>();
    expectTypeOf<Methods["methodWithCallback"]>().toEqualTypeOf<(each: (value: number) => void) => Promise<void>>();
    expectTypeOf<Methods["methodWithAny"]>().toEqualTypeOf<(value: unknown) => Promise<void>>();
    expectTypeOf<Methods["methodWithNothing"]>().toEqualTypeOf<() => Promise<void>>();
    expectTypeOf<Methods["isText"]>().toEqualTypeOf<(value: unknown) => Promise<boolean>>();
  });

  it("looks like a method where TypeScript has no parameters to compare: only the worker refuses it", () => {
    expectTypeOf<Methods["noParameters"]>().toEqualTypeOf<() => Promise<number>>();
    // biome-ignore lint/suspicious/noExplicitAny: what users write
    expectTypeOf<Methods["anything"]>().toEqualTypeOf<(...values: any[]) => Promise<any>>();
  });
});
