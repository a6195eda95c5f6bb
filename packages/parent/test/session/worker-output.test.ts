import { UNFORWARDED_WRITE } from "@multifrost/protocol/internal";
import { afterEach, expect, it, vi } from "vitest";
import { deliverOutput } from "../../src/session/worker-output.js";
import { parentParts } from "../support/context.js";

afterEach(() => vi.restoreAllMocks());

it("prints each line with the worker's name and the stream, to the same stream here", () => {
  const stdout = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const { telemetry } = parentParts();
  deliverOutput(telemetry, "math", "stdout", "one");
  deliverOutput(telemetry, "math", "stderr", "two");
  expect(stdout.mock.calls).toEqual([["[math STDOUT]: one\n"]]);
  expect(stderr.mock.calls).toEqual([["[math STDERR]: two\n"]]);
});

it("prints nothing while there is a listener", () => {
  const stdout = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const { telemetry, emitter } = parentParts();
  const onLine = vi.fn();
  emitter.on("stdout", onLine);
  deliverOutput(telemetry, "math", "stdout", "one");
  expect(onLine).toHaveBeenCalledExactlyOnceWith("one");
  expect(stdout).not.toHaveBeenCalled();
});

it("bypasses the forwarding of a child in the same process, which would send the line around in circles", () => {
  const forwarding = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const real = vi.fn(() => true);
  const stream = process.stdout as { [UNFORWARDED_WRITE]?: unknown };
  stream[UNFORWARDED_WRITE] = real;
  deliverOutput(parentParts().telemetry, "math", "stdout", "one");
  delete stream[UNFORWARDED_WRITE];
  expect(real).toHaveBeenCalledExactlyOnceWith("[math STDOUT]: one\n");
  expect(forwarding).not.toHaveBeenCalled();
});
