// Waiting with an end.

/** Longest time a timer or a socket can be told to wait, in milliseconds. */
export const LONGEST_WAIT: number = 2 ** 31 - 1;

/** Waits for `work`, or until `timeoutMs` are over. */
export async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(timeoutMs, LONGEST_WAIT));
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
