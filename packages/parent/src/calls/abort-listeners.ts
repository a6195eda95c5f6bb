// Many calls may share one AbortSignal. They share one listener on it: looking for an existing listener gets slower
// with each one added, and Node warns of a leak from the eleventh on.

import { setMaxListeners } from "node:events";

interface SharedListener {
  readonly callbacks: Set<() => void>;
  stop(): void;
}

/** The listeners of one parent on its callers' signals. */
export class AbortListeners {
  readonly #listeners = new WeakMap<AbortSignal, SharedListener>();

  /** Calls back when the signal fires. Returns a function that removes the callback. */
  add(signal: AbortSignal, callback: () => void): () => void {
    const listener = this.#listeners.get(signal) ?? listen(signal);
    this.#listeners.set(signal, listener);
    listener.callbacks.add(callback);
    return () => {
      listener.callbacks.delete(callback);
      if (listener.callbacks.size === 0 && this.#listeners.get(signal) === listener) {
        this.#listeners.delete(signal);
        listener.stop();
      }
    };
  }
}

function listen(signal: AbortSignal): SharedListener {
  const callbacks = new Set<() => void>();
  const onAbort = (): void => {
    for (const callback of callbacks) {
      callback();
    }
  };
  // Many parents may share the signal; none of them leaks. A signal of another realm has no such limit.
  if (signal instanceof EventTarget) {
    setMaxListeners(0, signal);
  }
  signal.addEventListener("abort", onAbort);
  return { callbacks, stop: () => signal.removeEventListener("abort", onAbort) };
}
