import { vi } from "vitest";

/** Waits for a condition, looking at it again and again. */
export async function until(condition: () => boolean, timeout = 10_000): Promise<void> {
  await vi.waitUntil(condition, { timeout, interval: 2 });
}
