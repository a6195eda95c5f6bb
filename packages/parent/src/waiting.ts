// Waiting with an end: for the time that is up, and for the user who has changed their mind. Used wherever a parent
// waits for something that may never come.

/** Longest a timer can be told to wait, in milliseconds; Node runs a longer one at once. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/**
 * Settles as `work` does; when the time is up first, as `late` returns or throws; when the signal fires first, rejects
 * with its reason. No timer is left behind.
 */
export async function withLimit<R, L>(
  work: Promise<R>,
  limitMs: number,
  late: () => L,
  signal?: AbortSignal,
): Promise<R | L> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(limitMs, LONGEST_WAIT_MS));
  });
  try {
    const inTime = Promise.race([work, over.then(late)]);
    return await (signal === undefined ? inTime : orAborted(inTime, signal));
  } finally {
    clearTimeout(timer);
  }
}

/** Settles as `work` does, or rejects with the signal's reason when that fires first. */
export async function orAborted<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
  let onAbort: (() => void) | undefined;
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
    signal.removeEventListener("abort", onAbort as () => void);
  }
}

/** Resolves after a time; rejects with the signal's reason when that fires first. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  const never = new Promise<void>(() => {});
  await withLimit(never, delayMs, () => {}, signal);
}
