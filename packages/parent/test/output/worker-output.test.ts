import { UNFORWARDED_WRITE } from "@multifrost/protocol/internal";
import { afterEach, expect, it, vi } from "vitest";
import { createWorkerOutput } from "../../src/output/worker-output.js";

afterEach(() => vi.restoreAllMocks());

it("prints each line with the worker's name and the stream, to the same stream here", () => {
  const stdout = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const output = createWorkerOutput("math", () => false);
  output("stdout", "one");
  output("stderr", "two");
  expect(stdout.mock.calls).toEqual([["[math STDOUT]: one\n"]]);
  expect(stderr.mock.calls).toEqual([["[math STDERR]: two\n"]]);
});

it("prints nothing where somebody listens", () => {
  const stdout = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const emit = vi.fn(() => true);
  createWorkerOutput("math", emit)("stdout", "one");
  expect(emit).toHaveBeenCalledExactlyOnceWith("stdout", "one");
  expect(stdout).not.toHaveBeenCalled();
});

it("prints past the forwarding of a child in the same process, which would send the line round again", () => {
  const forwarding = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const real = vi.fn(() => true);
  const stream = process.stdout as { [UNFORWARDED_WRITE]?: unknown };
  stream[UNFORWARDED_WRITE] = real;
  createWorkerOutput("math", () => false)("stdout", "one");
  delete stream[UNFORWARDED_WRITE];
  expect(real).toHaveBeenCalledExactlyOnceWith("[math STDOUT]: one\n");
  expect(forwarding).not.toHaveBeenCalled();
});
