// What an editor shows for `worker.call`, from the language service of TypeScript 6. TypeScript 7.0 goes to the same
// definitions, but shows no documentation for any mapped type: microsoft/typescript-go#3659.

import { describe, expect, it, vi } from "vitest";
import { Editor } from "../support/editor.js";

// The compiler reads its own library, Node's types and this package first, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const WORKER = `
import { ChildWorker } from "@multifrost/child";

export interface User {
  name: string;
  friends: User[];
}

export class MathWorker extends ChildWorker {
  readonly precision: number = 2;

  /** Adds two numbers. */
  add(a: number, b = 1): number {
    return a + b;
  }

  /** The first of some items. */
  async first<Item>(items: Item[]): Promise<Item> {
    return items[0] as Item;
  }

  /** Finds one user. */
  find(id: number): Promise<User>;
  /** Finds users of a name. */
  find(name: string): Promise<User[]>;
  async find(key: number | string): Promise<never> {
    throw new Error(String(key));
  }

  /** Counts a text. */
  count(text: string): bigint;
  /** Counts a number. */
  count(value: number): number;
  count(value: number | string): never {
    throw new Error(String(value));
  }

  /** All users by name. */
  users(): Map<string, User> {
    return new Map();
  }

  /** Multiplies. */
  scale = (value: number): number => value * 2;

  _secret(): void {}
  protected helper(): void {}
}
`;

const MAIN = `
import { ParentWorker } from "../../src/index.js";
import type { MathWorker } from "./math-worker.js";

/** A worker in another language. */
interface PythonWorker {
  /** Predicts. */
  predict(rows: number[][]): number[];
  /** Resets. */
  reset: () => void;
}

const worker = ParentWorker.spawn<MathWorker>("./math-worker.ts");
const python = ParentWorker.spawn<PythonWorker>("./model.py");
const anyWorker = ParentWorker.spawn("./anything");

worker.call.add(1, 2);
worker.withOptions({ timeout: 5 }).add(1);
worker.call.withOptions({ timeout: 5 }).add(1);
worker.call.first(["a"]);
worker.call.find(1);
worker.call.count("a");
worker.call.users();
const all = await worker.call.users();
all["Ada"]?.name;
worker.call.scale(2);
python.call.predict([[1]]);
python.call.reset();
anyWorker.call.anything?.(1);
`;

describe("worker.call in an editor", () => {
  const editor = new Editor({ "main.ts": MAIN, "math-worker.ts": WORKER });

  it("shows a method's own documentation, with its arguments and a promise of its result", () => {
    const add = {
      text: "(method) add(a: number, b?: number | undefined): Promise<number>",
      documentation: "Adds two numbers.",
    };
    expect(editor.hover("worker.call.add")).toEqual(add);
    expect(editor.hover("worker.withOptions({ timeout: 5 }).add")).toEqual(add);
    expect(editor.hover("worker.call.withOptions({ timeout: 5 }).add")).toEqual(add);
    expect(editor.hover("python.call.predict")).toEqual({
      text: "(method) predict(rows: number[][]): Promise<number[]>",
      documentation: "Predicts.",
    });
    expect(editor.hover("python.call.reset")).toEqual({
      text: "(property) reset: () => Promise<void>",
      documentation: "Resets.",
    });
  });

  it("shows type parameters and overloads", () => {
    expect(editor.hover("worker.call.first")).toEqual({
      text: "(method) first<string>(items: string[]): Promise<string>",
      documentation: "The first of some items.",
    });
    expect(editor.hover("worker.call.find")).toEqual({
      text: "(method) find(id: number): Promise<User> (+1 overload)",
      documentation: "Finds one user.",
    });
    expect(editor.hover("worker.call.count")).toMatchObject({
      text: "(method) count(text: string): Promise<number | bigint> (+1 overload)",
    });
  });

  it("shows a result as it arrives, with the names of types that arrive unchanged", () => {
    expect(editor.hover("worker.call.users")).toEqual({
      text: "(method) users(): Promise<{\n    [key: string]: User;\n}>",
      documentation: "All users by name.",
    });
    expect(editor.definitions('all["Ada"]?.name')).toEqual(["math-worker.ts: name: string;"]);
  });

  it("goes to a method's definition in the worker class", () => {
    const add = ["math-worker.ts: add(a: number, b = 1): number {"];
    expect(editor.definitions("worker.call.add")).toEqual(add);
    expect(editor.definitions("worker.withOptions({ timeout: 5 }).add")).toEqual(add);
    expect(editor.definitions("worker.call.withOptions({ timeout: 5 }).add")).toEqual(add);
    expect(editor.definitions("worker.call.users")).toEqual(["math-worker.ts: users(): Map<string, User> {"]);
    expect(editor.definitions("worker.call.first")).toEqual([
      "math-worker.ts: async first<Item>(items: Item[]): Promise<Item> {",
    ]);
    expect(editor.definitions("worker.call.find")).toEqual(["math-worker.ts: find(id: number): Promise<User>;"]);
    expect(editor.definitions("worker.call.count")).toEqual(["math-worker.ts: count(value: number | string): never {"]);
    expect(editor.definitions("worker.call.scale")).toEqual([
      "math-worker.ts: scale = (value: number): number => value * 2;",
    ]);
    expect(editor.definitions("python.call.predict")).toEqual(["main.ts: predict(rows: number[][]): number[];"]);
  });

  it("offers the names that can be called, and function properties for the reason they show", () => {
    const methods = ["add", "count", "find", "first", "scale", "users"];
    expect(editor.completions("worker.call.")).toEqual([...methods, "withOptions"]);
    expect(editor.completions("worker.withOptions({ timeout: 5 }).")).toEqual(methods);
    expect(editor.completions("worker.call.withOptions({ timeout: 5 }).")).toEqual(methods);
    expect(editor.completions("python.call.")).toEqual(["predict", "reset", "withOptions"]);
  });

  it("says why a property that holds a function cannot be called", () => {
    expect(editor.problems()).toEqual([
      "This expression is not callable.\n  Type 'FunctionProperty<\"'scale' is a function property, not a method: " +
        "write scale() { … } in the class to make it callable\">' has no call signatures.",
    ]);
    expect(editor.hover("worker.call.scale").documentation).toBe("Multiplies.");
  });

  it("checks calls to a worker with 200 methods with fewer than 100,000 type instantiations", () => {
    const large = new Editor({ "calls.ts": largeCalls(200), "large-worker.ts": largeWorker(200) });
    expect(large.problems()).toEqual([]);
    expect(large.instantiations()).toBeLessThan(100_000);
  });
});

/** A worker with many methods and results of all kinds, whose types refer to each other. */
function largeWorker(methods: number): string {
  const results = ["Promise<Row>", "Map<string, Row>", "Promise<Set<Row>>", "Row[]"];
  const types = Array.from({ length: methods / 4 }, (_, index) => {
    const other = (index + 1) % (methods / 4);
    return `export interface Row${index} { id: number; tags: string[]; next?: Row${other}; meta: { at: Date } }`;
  });
  const members = Array.from({ length: methods }, (_, index) => {
    const result = results[index % 4]?.replace("Row", `Row${index % (methods / 4)}`);
    return `  m${index}(a: number): ${result} { throw a; }`;
  });
  return [
    'import { ChildWorker } from "@multifrost/child";',
    ...types,
    "export class LargeWorker extends ChildWorker {",
    ...members,
    "}",
  ].join("\n");
}

function largeCalls(methods: number): string {
  return [
    'import type { CallProxy } from "../../src/calls/remote-methods.js";',
    'import type { LargeWorker } from "./large-worker.js";',
    "declare const call: CallProxy<LargeWorker>;",
    ...Array.from({ length: methods }, (_, index) => `export const r${index} = await call.m${index}(${index});`),
  ].join("\n");
}
