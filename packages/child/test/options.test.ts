import { describe, expect, test } from "vitest";
import { WRONG_VALUES } from "../../protocol/test/wrong-values.js";
import { type ChildOptions, resolveChildOptions } from "../src/options.js";

test("the defaults", () => {
  expect(resolveChildOptions()).toEqual({
    namespace: "default",
    otherNamespaces: "answer",
    maxConcurrency: Number.POSITIVE_INFINITY,
    maxPending: 250_000,
    maxPendingBytes: 536_870_912,
    stopTimeout: 5_000,
    allowRemoteShutdown: false,
  });
});

test("a string is the service id", () => {
  expect(resolveChildOptions("math-service")).toMatchObject({ serviceId: "math-service", stopTimeout: 5_000 });
});

const TEXTS = ["an empty text", "a blank", "the text false", "the text 5", "the text 5s", "a text with a zero byte"];
const NOT_EMPTY = TEXTS.slice(1);
const COUNTS = ["1", "Infinity", "1e300"];
const FLAGS = ["true", "false"];

/** Which of the wrong values each option accepts after all. */
const ACCEPTED: Readonly<Record<string, readonly string[]>> = {
  serviceId: NOT_EMPTY,
  namespace: TEXTS,
  otherNamespaces: [],
  maxConcurrency: COUNTS,
  maxPending: COUNTS,
  maxPendingBytes: COUNTS,
  stopTimeout: ["0", "-0", "0.5", ...COUNTS],
  allowRemoteShutdown: FLAGS,
  forwardOutput: FLAGS,
  transport: [],
  registry: [],
  host: NOT_EMPTY,
  app: NOT_EMPTY,
  limits: [
    "an empty object",
    "an object without prototype",
    "a date",
    "a map",
    "an error",
    "a promise",
    "an expression",
  ],
  logger: ["false"],
};

/** The message of the `INVALID_OPTION` error; `undefined` where the options are accepted. */
function refusal(options: unknown): string | undefined {
  try {
    resolveChildOptions(options as ChildOptions);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: "INVALID_OPTION" });
    return (error as Error).message;
  }
}

describe("every option is checked for type and range", () => {
  test.each(Object.entries(ACCEPTED))("%s", (name, accepted) => {
    const taken = WRONG_VALUES.filter(([, value]) => refusal({ [name]: value }) === undefined).map(([label]) => label);
    expect([...taken].sort()).toEqual([...accepted].sort());
    expect(refusal({ [name]: undefined })).toBeUndefined();
  });

  test.each([
    [{ maxConcurrency: 0 }, "maxConcurrency must be a whole number of at least 1, or Infinity, not 0."],
    [{ stopTimeout: "5s" }, 'stopTimeout must be a number of at least 0, not "5s".'],
    [
      { logger: null },
      "logger must be an object with the methods info, warn and error, as console and pino have them, or false, not null.",
    ],
    [{ serviceID: "x" }, 'ChildWorker has no option "serviceID". Did you mean serviceId?'],
    [{ limits: { maxMessageBytes: 0 } }, "limits.maxMessageBytes must be a whole number of at least 1, not 0."],
    [{ limits: { maxDepht: 5 } }, 'limits has no option "limits.maxDepht". Did you mean limits.maxDepth?'],
    [null, "The options of ChildWorker must be an object, not null."],
    ["", 'serviceId must be a text that is not empty, not "".'],
  ])("%o", (options, message) => {
    expect(refusal(options)).toBe(message);
  });
});
