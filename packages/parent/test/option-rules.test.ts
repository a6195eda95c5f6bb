import { createMemoryTransport } from "@multifrost/transport";
import { describe, expect, it } from "vitest";
import { WRONG_VALUES } from "../../protocol/test/wrong-values.js";
import { ParentWorker } from "../src/index.js";
import { errorOf } from "./support/until.js";

const TEXTS = ["an empty text", "a blank", "the text false", "the text 5", "the text 5s", "a text with a zero byte"];
const NOT_EMPTY = TEXTS.slice(1);
const WORDS = NOT_EMPTY.slice(0, -1);
const FROM_1 = ["1", "Infinity"];
const ABOVE_0 = ["1", "0.5", "1e300", "Infinity"];
const FROM_0 = ["0", "-0", ...ABOVE_0];
const BOUNDED = ["0", "-0", "1", "0.5"];
const FLAGS = ["true", "false"];
const FUNCTIONS = ["a function", "a class"];
const OBJECTS = [
  ...["an empty object", "an object of numbers", "an object without prototype", "a date", "a map", "an error"],
  ...["a promise", "bytes", "an expression"],
];
/** No variables, limits, or keys that are not known. */
const EMPTY_OBJECTS = OBJECTS.filter((name) => name !== "an object of numbers" && name !== "bytes");

/** Which of the wrong values each option accepts after all. */
const PARENT: Readonly<Record<string, readonly string[]>> = {
  name: NOT_EMPTY,
  defaultTimeout: ABOVE_0,
  autoRestart: FLAGS,
  maxRestartAttempts: [...FROM_1, "1e300"],
  heartbeatInterval: FROM_0,
  heartbeatTimeout: ABOVE_0,
  heartbeatMaxMisses: [...FROM_1, "1e300"],
  stallTimeout: FROM_0,
  circuitResetTimeout: BOUNDED,
  restartBackoff: BOUNDED,
  restartWindow: FROM_0,
  stopTimeout: FROM_0,
  startTimeout: ABOVE_0,
  maxPending: [...FROM_1, "1e300"],
  isFailure: FUNCTIONS,
  namespace: TEXTS,
  clientName: TEXTS,
  app: NOT_EMPTY,
  limits: EMPTY_OBJECTS,
  interfaceHash: [],
  logger: ["false"],
};
const SPAWN = {
  ...PARENT,
  transport: [],
  args: ["an empty array"],
  execArgv: ["an empty array"],
  cwd: WORDS,
  env: EMPTY_OBJECTS,
  shell: FLAGS,
};
const CONNECT = { ...PARENT, transport: [], timeout: FROM_0, registry: [], host: NOT_EMPTY };
const CALL = { timeout: ABOVE_0, signal: [], namespace: TEXTS, clientName: TEXTS, metadata: OBJECTS };

const memory = createMemoryTransport();
const idle = (): ParentWorker => new ParentWorker({ transport: memory.client(), logger: false });

/** A kind of options: its owner in messages, which wrong values are accepted, and a use, which returns what was thrown. */
const KINDS: readonly [string, Readonly<Record<string, readonly string[]>>, (options: object) => Promise<unknown>][] = [
  ["ParentWorker.spawn()", SPAWN, async (options) => thrownBy(() => ParentWorker.spawn("./worker.js", options))],
  [
    "ParentWorker.connect()",
    CONNECT,
    async (options) => errorOf(ParentWorker.connect("none", { timeout: 1, registry: empty, ...options })),
  ],
  [
    "new ParentWorker()",
    { ...PARENT, transport: [] },
    async (options) => thrownBy(() => new ParentWorker({ transport: memory.client(), ...options })),
  ],
  ["a call", CALL, async (options) => errorOf(idle().withOptions(options).add!())],
  ["a call", CALL, async (options) => errorOf(idle().callFunction("add", [], options))],
];

/** A registry without services. */
const empty = {
  discover: () => Promise.reject(new Error("nothing is registered")),
} as never;

function thrownBy(use: () => unknown): unknown {
  try {
    use();
    return undefined;
  } catch (error) {
    return error;
  }
}

const isInvalidOption = (error: unknown): boolean => (error as { code?: unknown })?.code === "INVALID_OPTION";

describe.each(KINDS)("the options of %s", (owner, accepted, use) => {
  it.each(Object.keys(accepted))("%s: every value of a wrong type or range is refused by name", async (name) => {
    const taken: string[] = [];
    for (const [label, value] of WRONG_VALUES) {
      const error = await use({ [name]: value });
      if (isInvalidOption(error)) {
        expect((error as Error).message, label).toMatch(new RegExp(`^(${name}|limits\\.|limits has )`));
      } else {
        taken.push(label);
      }
    }
    expect(taken).toEqual(WRONG_VALUES.map(([label]) => label).filter((label) => accepted[name]?.includes(label)));
  });

  it("undefined leaves an option out", async () => {
    for (const name of Object.keys(accepted)) {
      // These two have no default here.
      if (name !== "transport" && name !== "registry") {
        expect(isInvalidOption(await use({ [name]: undefined })), name).toBe(false);
      }
    }
  });

  it("a misspelt name is refused with the nearest, another with all there are", async () => {
    const [first = ""] = Object.keys(accepted);
    expect(await use({ [`${first}s`]: 1 })).toMatchObject({
      code: "INVALID_OPTION",
      message: `${owner} has no option "${first}s". Did you mean ${first}?`,
    });
    expect(await use({ zzzzzzzzzz: 1 })).toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining(`${owner} has no option "zzzzzzzzzz". It has ${first}, `),
    });
  });
});

describe("what is given instead of options", () => {
  it("is refused by spawn, connect and the constructor", async () => {
    for (const value of [null, [], 5, "5s", true, () => {}] as never[]) {
      expect(thrownBy(() => ParentWorker.spawn("./worker.js", "node", value))).toMatchObject({
        code: "INVALID_OPTION",
      });
      expect(thrownBy(() => new ParentWorker(value))).toMatchObject({ code: "INVALID_OPTION" });
    }
    for (const value of [null, [], "5s", true] as never[]) {
      expect(await errorOf(ParentWorker.connect("none", value))).toMatchObject({ code: "INVALID_OPTION" });
    }
    expect(thrownBy(() => new ParentWorker(undefined as never))).toMatchObject({ code: "INVALID_OPTION" });
    expect(thrownBy(() => ParentWorker.spawn("./worker.js", "node", null as never))).toMatchObject({
      message: "The options of ParentWorker.spawn() must be an object, not null.",
    });
  });

  it("is refused by a call, which rejects", async () => {
    for (const value of [null, 5, "5s", true] as never[]) {
      expect(await errorOf(idle().withOptions(value).add!())).toMatchObject({ code: "INVALID_OPTION" });
    }
    for (const value of ["5s", true, -1] as never[]) {
      expect(await errorOf(idle().callFunction("add", [], value))).toMatchObject({ code: "INVALID_OPTION" });
    }
  });

  it("a program is a name, or an array of it and its leading arguments", () => {
    for (const value of [5, "", [], [""], ["node", 5], true, Symbol("node")] as never[]) {
      expect(thrownBy(() => ParentWorker.spawn("./worker.js", value))).toMatchObject({
        code: "INVALID_OPTION",
        message: expect.stringMatching(/^executable must be a program's name, or an array /),
      });
    }
  });

  it("a method has a name, arguments are an array, and a service has an id", async () => {
    expect(await errorOf(idle().callFunction(5 as never))).toMatchObject({
      message: "functionName must be a text that is not empty, not 5.",
    });
    expect(await errorOf(idle().callFunction("add", "12" as never))).toMatchObject({
      message: 'args must be an array of the arguments, not "12".',
    });
    expect(await errorOf(ParentWorker.connect("", { registry: empty }))).toMatchObject({
      message: 'serviceId must be a text that is not empty, not "".',
    });
  });
});

it("texts are quoted, long ones cut, and no code of a value runs", () => {
  const message = (value: unknown): unknown =>
    (thrownBy(() => ParentWorker.spawn("./worker.js", { heartbeatInterval: value as number })) as Error).message;
  expect(message("5")).toBe('heartbeatInterval must be a number of at least 0, not "5".');
  expect(message("5".repeat(1000))).toHaveLength(138);
  const hostile = {
    toString(): never {
      throw new Error("called");
    },
  };
  expect(message(hostile)).toBe("heartbeatInterval must be a number of at least 0, not [object Object].");
});
