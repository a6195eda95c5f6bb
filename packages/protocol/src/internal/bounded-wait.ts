// Waits that end: when the time is up, or when a signal fires.

/** The longest delay a timer takes, in milliseconds. Node and browsers run a longer one at once. */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1;

/**
 * Settles as `work` does; when the time is up first, as `late` returns or throws; when the signal fires first, rejects
 * with its reason. Leaves no timer behind.
 *
 * @param limitMs In milliseconds; may be `Infinity`.
 */
export async function withLimit<R, L>(
  work: Promise<R>,
  limitMs: number,
  late: () => L,
  signal?: AbortSignal,
): Promise<R | L> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(limitMs, LONGEST_TIMER_MS));
  });
  try {
    const inTime = Promise.race([work, timeUp.then(late)]);
    return await (signal === undefined ? inTime : orAborted(inTime, signal));
  } finally {
    clearTimeout(timer);
  }
}

/** Settles as `work` does, or rejects with the signal's reason when that fires first. */
export async function orAborted<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) {
      onAbort();
    }
    signal.addEventListener("abort", onAbort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Resolves after `delayMs` milliseconds; rejects with the signal's reason when that fires first. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await withLimit(new Promise<void>(() => {}), delayMs, () => {}, signal);
}
