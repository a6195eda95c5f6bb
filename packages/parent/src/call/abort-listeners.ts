// Many calls may share one AbortSignal: they get one listener on it together, as each of its own would be looked for
// among all others when it is added, and Node warns of a leak from the eleventh on.

import { setMaxListeners } from "node:events";

/** Calls back when the signal fires. The function returned takes it back. */
export type OnAbort = (signal: AbortSignal, callback: () => void) => () => void;

/** Makes the listeners of one parent. */
export function createAbortListeners(): OnAbort {
  const waiting = new WeakMap<AbortSignal, SignalListener>();
  return (signal, callback) => {
    const listener = waiting.get(signal) ?? listen(signal);
    waiting.set(signal, listener);
    listener.callbacks.add(callback);
    return () => {
      listener.callbacks.delete(callback);
      if (listener.callbacks.size === 0 && waiting.get(signal) === listener) {
        waiting.delete(signal);
        listener.stop();
      }
    };
  };
}

interface SignalListener {
  readonly callbacks: Set<() => void>;
  stop(): void;
}

function listen(signal: AbortSignal): SignalListener {
  const callbacks = new Set<() => void>();
  const onAbort = (): void => {
    for (const callback of callbacks) {
      callback();
    }
  };
  // A pool of parents may share it; none of them leaks. A signal of another realm is not Node's, and has no such limit.
  if (signal instanceof EventTarget) {
    setMaxListeners(0, signal);
  }
  signal.addEventListener("abort", onAbort);
  return { callbacks, stop: () => signal.removeEventListener("abort", onAbort) };
}
