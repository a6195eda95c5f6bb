import { describe, expect, test } from "vitest";
import { resolveChildOptions } from "../src/options.js";

test("the defaults", () => {
  expect(resolveChildOptions()).toEqual({
    namespace: "default",
    otherNamespaces: "answer",
    maxConcurrency: Number.POSITIVE_INFINITY,
    maxPending: 250_000,
    maxPendingBytes: 536_870_912,
    stopTimeout: 5_000,
    allowRemoteShutdown: false,
    forwardOutput: true,
  });
});

test("a string is the service id", () => {
  expect(resolveChildOptions("math-service")).toMatchObject({ serviceId: "math-service", stopTimeout: 5_000 });
});

test("with a transport nothing is forwarded by default", () => {
  const transport = { open: () => Promise.reject(new Error("not opened here")) };
  expect(resolveChildOptions({ transport }).forwardOutput).toBe(false);
  expect(resolveChildOptions({ transport, forwardOutput: true }).forwardOutput).toBe(true);
});

describe("an invalid number throws INVALID_OPTION", () => {
  test.each([
    [{ maxConcurrency: 0 }, "maxConcurrency must be a number of at least 1, not 0."],
    [{ maxConcurrency: Number.NaN }, "maxConcurrency must be a number of at least 1, not NaN."],
    [{ maxPending: -1 }, "maxPending must be a number of at least 1, not -1."],
    [{ maxPendingBytes: 0 }, "maxPendingBytes must be a number of at least 1, not 0."],
    [{ stopTimeout: -1 }, "stopTimeout must be a number of at least 0, not -1."],
    [{ stopTimeout: "5s" as unknown as number }, "stopTimeout must be a number of at least 0, not 5s."],
  ])("%o", (options, message) => {
    expect(() => resolveChildOptions(options)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", message }));
  });
});
