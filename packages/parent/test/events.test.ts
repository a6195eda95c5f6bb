import { EventEmitter } from "node:events";
import { expect, it, vi } from "vitest";
import { emitSafely, type ParentEvents } from "../src/events.js";

it("calls the listeners, and returns whether there were any", () => {
  const emitter = new EventEmitter<ParentEvents>();
  expect(emitSafely(emitter, "stdout", "unheard")).toBe(false);
  const onLine = vi.fn();
  emitter.on("stdout", onLine);
  expect(emitSafely(emitter, "stdout", "line")).toBe(true);
  expect(onLine).toHaveBeenCalledExactlyOnceWith("line");
});

it("what a listener throws is an uncaught exception on a later turn", () => {
  const emitter = new EventEmitter<ParentEvents>();
  const later = vi.spyOn(globalThis, "queueMicrotask").mockImplementation(() => {});
  emitter.on("state", () => {
    throw new Error("a listener's mistake");
  });
  expect(emitSafely(emitter, "state", "running", "starting")).toBe(true);
  const [thrower] = later.mock.calls[0] ?? [];
  later.mockRestore();
  expect(thrower).toThrow("a listener's mistake");
});
