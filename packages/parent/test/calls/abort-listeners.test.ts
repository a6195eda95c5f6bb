import { expect, it, vi } from "vitest";
import { AbortListeners } from "../../src/calls/abort-listeners.js";

const listeners = new AbortListeners();

it("any number of calls share one listener on their signal, and each is called back", () => {
  const controller = new AbortController();
  const added = vi.spyOn(controller.signal, "addEventListener");
  const callbacks = Array.from({ length: 100 }, () => vi.fn());
  for (const callback of callbacks) {
    listeners.add(controller.signal, callback);
  }
  expect(added).toHaveBeenCalledOnce();
  controller.abort();
  for (const callback of callbacks) {
    expect(callback).toHaveBeenCalledOnce();
  }
});

it("a removed callback is not called; removing the last one removes the listener", () => {
  const controller = new AbortController();
  const removed = vi.spyOn(controller.signal, "removeEventListener");
  const [first, second] = [vi.fn(), vi.fn()];
  const offFirst = listeners.add(controller.signal, first);
  const offSecond = listeners.add(controller.signal, second);
  offFirst();
  expect(removed).not.toHaveBeenCalled();
  offSecond();
  expect(removed).toHaveBeenCalledOnce();
  controller.abort();
  expect(first).not.toHaveBeenCalled();
  expect(second).not.toHaveBeenCalled();
});

it("a signal whose calls have all ended takes new ones", () => {
  const controller = new AbortController();
  const off = listeners.add(controller.signal, vi.fn());
  off();
  const callback = vi.fn();
  listeners.add(controller.signal, callback);
  off();
  controller.abort();
  expect(callback).toHaveBeenCalledOnce();
});

it("a signal calls back its own calls only", () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const callback = vi.fn();
  listeners.add(one.signal, callback);
  other.abort();
  expect(callback).not.toHaveBeenCalled();
});

it("many parents that share a signal do not trigger Node's leak warning", async () => {
  const warned = vi.fn();
  process.once("warning", warned);
  const { signal } = new AbortController();
  for (let parent = 0; parent < 20; parent++) {
    new AbortListeners().add(signal, () => {});
  }
  await new Promise(setImmediate);
  process.off("warning", warned);
  expect(warned).not.toHaveBeenCalled();
});

it("a signal of another realm, as test runners have them, works", () => {
  const heard: (() => void)[] = [];
  const foreign = { aborted: false, addEventListener: (_name: string, listener: () => void) => heard.push(listener) };
  const callback = vi.fn();
  listeners.add(foreign as unknown as AbortSignal, callback);
  heard[0]?.();
  expect(callback).toHaveBeenCalledOnce();
});
