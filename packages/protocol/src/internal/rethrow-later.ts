// What a user's listener or handler throws must surface, but must not break the code that called it.

/** Throws `error` on a later turn, where it is an uncaught exception. */
export function rethrowLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** Calls a user's function; what it throws becomes an uncaught exception on a later turn. */
export function callSafely(handler: () => void): void {
  try {
    handler();
  } catch (error) {
    rethrowLater(error);
  }
}
