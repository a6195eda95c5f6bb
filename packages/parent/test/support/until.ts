/** Waits for a condition, looking at it every few milliseconds; fails with what was waited for after 15 s. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string) = condition.toString(),
): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`Waited in vain for: ${typeof what === "string" ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The error that a promise rejects with; fails if it does not. */
export async function errorOf<E extends Error = Error>(promise: Promise<unknown>): Promise<E> {
  try {
    await promise;
  } catch (error) {
    return error as E;
  }
  throw new Error("It should have been rejected.");
}
