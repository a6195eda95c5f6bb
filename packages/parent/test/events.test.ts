import { EventEmitter } from "node:events";
import { expect, it, vi } from "vitest";
import { type EmitEvent, emitSafely, type ParentEvents } from "../src/events.js";

function emitterAndNotify() {
  const emitter = new EventEmitter<ParentEvents>();
  const emit: EmitEvent = (event, ...args) => emitter.emit(event, ...(args as never));
  return { emitter, notify: emitSafely(emit) };
}

it("tells listeners, and whether there were any", () => {
  const { emitter, notify } = emitterAndNotify();
  expect(notify("stdout", "nobody")).toBe(false);
  const heard = vi.fn();
  emitter.on("stdout", heard);
  expect(notify("stdout", "line")).toBe(true);
  expect(heard).toHaveBeenCalledExactlyOnceWith("line");
});

it("what a listener throws is an uncaught exception, and not an error of whoever told it", () => {
  const { emitter, notify } = emitterAndNotify();
  const later = vi.spyOn(globalThis, "queueMicrotask").mockImplementation(() => {});
  emitter.on("state", () => {
    throw new Error("a listener's mistake");
  });
  expect(notify("state", "running", "starting")).toBe(true);
  const [thrower] = later.mock.calls[0] ?? [];
  later.mockRestore();
  expect(thrower).toThrow("a listener's mistake");
});
