// How many restarts a worker has left, so that one that cannot live is given up, and one that fails once a day is not.
// Next: backoff.ts, which says how long to wait before each of them.

import type { Clock } from "./clock.js";

/** How a restart budget is made. */
export interface RestartBudgetOptions {
  clock: Clock;
  /** Restarts before giving up; 0 means none. Default: 5. */
  maxAttempts?: number;
  /** How long a worker has to stay healthy until it gets the whole budget back, in milliseconds. Default: 30 000. */
  windowMs?: number;
}

/** The restarts a worker has left. */
export interface RestartBudget {
  /** Restarts left at this moment. */
  readonly left: number;
  /** Takes one restart, and ends the healthy stretch. `false`: none is left, give up. */
  tryTake(): boolean;
  /** The worker is healthy from now on, until `tryTake` says otherwise. A repeat changes nothing. */
  healthy(): void;
}

/** Makes a full budget. No timers: time passes when somebody asks. */
export function createRestartBudget(options: RestartBudgetOptions): RestartBudget {
  const { clock, maxAttempts = 5, windowMs = 30_000 } = options;
  let taken = 0;
  let healthySince: number | undefined;

  const takenNow = (): number => {
    const restored = healthySince !== undefined && clock.now() - healthySince >= windowMs;
    return restored ? 0 : taken;
  };

  return {
    get left() {
      return maxAttempts - takenNow();
    },
    tryTake() {
      taken = takenNow();
      healthySince = undefined;
      if (taken >= maxAttempts) {
        return false;
      }
      taken += 1;
      return true;
    },
    healthy() {
      healthySince ??= clock.now();
    },
  };
}
