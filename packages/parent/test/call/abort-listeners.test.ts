import { expect, it, vi } from "vitest";
import { createAbortListeners } from "../../src/call/abort-listeners.js";

const onAbort = createAbortListeners();

it("any number of calls have one listener on their signal together, and all are told", () => {
  const controller = new AbortController();
  const added = vi.spyOn(controller.signal, "addEventListener");
  const callbacks = Array.from({ length: 100 }, () => vi.fn());
  for (const callback of callbacks) {
    onAbort(controller.signal, callback);
  }
  expect(added).toHaveBeenCalledOnce();
  controller.abort();
  for (const callback of callbacks) {
    expect(callback).toHaveBeenCalledOnce();
  }
});

it("a call that has taken itself off is not told; the last one to go takes the listener along", () => {
  const controller = new AbortController();
  const removed = vi.spyOn(controller.signal, "removeEventListener");
  const [first, second] = [vi.fn(), vi.fn()];
  const offFirst = onAbort(controller.signal, first);
  const offSecond = onAbort(controller.signal, second);
  offFirst();
  expect(removed).not.toHaveBeenCalled();
  offSecond();
  expect(removed).toHaveBeenCalledOnce();
  controller.abort();
  expect(first).not.toHaveBeenCalled();
  expect(second).not.toHaveBeenCalled();
});

it("a signal whose calls have all ended serves new ones", () => {
  const controller = new AbortController();
  const off = onAbort(controller.signal, vi.fn());
  off();
  const callback = vi.fn();
  onAbort(controller.signal, callback);
  off();
  controller.abort();
  expect(callback).toHaveBeenCalledOnce();
});

it("calls on different signals do not hear of each other", () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const callback = vi.fn();
  onAbort(one.signal, callback);
  other.abort();
  expect(callback).not.toHaveBeenCalled();
});

it("a pool of parents that share a signal is no leak, and Node does not warn of one", async () => {
  const warned = vi.fn();
  process.once("warning", warned);
  const { signal } = new AbortController();
  for (let parent = 0; parent < 20; parent++) {
    createAbortListeners()(signal, () => {});
  }
  await new Promise(setImmediate);
  process.off("warning", warned);
  expect(warned).not.toHaveBeenCalled();
});

it("a signal of another realm, as test environments have them, does as well", () => {
  const heard: (() => void)[] = [];
  const foreign = { aborted: false, addEventListener: (_name: string, listener: () => void) => heard.push(listener) };
  const callback = vi.fn();
  onAbort(foreign as unknown as AbortSignal, callback);
  heard[0]?.();
  expect(callback).toHaveBeenCalledOnce();
});
