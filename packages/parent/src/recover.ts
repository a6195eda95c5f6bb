// After a link has ended: try to open another, with backoff, as often as the budget allows.
// Used by supervise.ts.

import { pause } from "@multifrost/protocol/internal";
import type { Backoff, RestartBudget } from "@multifrost/reliability";

/** What to try, and for how long. */
export interface RecoveryOptions {
  /** Opens the next link. */
  attempt(): Promise<void>;
  readonly backoff: Backoff;
  /** How many attempts there are; `undefined` for as many as it takes. */
  readonly budget: RestartBudget | undefined;
  /** Ends the recovery. */
  readonly signal: AbortSignal;
  failed(error: Error): void;
}

/** Resolves to whether it worked; `false` when the budget is used up. Rejects with the signal's reason. */
export async function recover({ attempt, backoff, budget, signal, failed }: RecoveryOptions): Promise<boolean> {
  while (budget === undefined || budget.tryTake()) {
    await pause(backoff.next(), signal);
    try {
      await attempt();
      return true;
    } catch (error) {
      signal.throwIfAborted();
      failed(error as Error);
    }
  }
  return false;
}
