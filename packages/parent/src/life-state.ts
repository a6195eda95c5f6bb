// Where a parent is in its life, held in one place: every change is told, and the end is final.

import type { EmitEvent } from "./events.js";
import type { ParentState } from "./state.js";

/** The state of one parent. */
export interface LifeState {
  readonly now: ParentState;
  /** Whether `stop()` was called. */
  readonly ending: boolean;
  /** Goes on to another state and tells of it. After `stop()` there is only one left to go on to. */
  set(next: ParentState): void;
}

/** Makes the state of a parent that has not been started. `running` hears of it each time the worker can be reached. */
export function createLifeState(notify: EmitEvent, running: () => void = () => {}): LifeState {
  let now: ParentState = "idle";
  const isEnding = (): boolean => now === "stopping" || now === "stopped";
  return {
    get now() {
      return now;
    },
    get ending() {
      return isEnding();
    },
    set(next) {
      const before = now;
      if (next !== before && (!isEnding() || next === "stopped")) {
        now = next;
        notify("state", next, before);
        if (next === "running") {
          running();
        }
      }
    },
  };
}
