// For an event that a peer can cause as often as it likes: every one is counted, but one a second is told, so that
// nobody can flood the log.

import type { Clock } from "./clock.js";
import type { EventLog } from "./event-log.js";
import type { LogEventName, LogFields, LogLevel } from "./log-event.js";

/** The least time between two that are told, in milliseconds. */
const INTERVAL_MS = 1_000;

/** An event that is told rarely. */
export interface RareEvent {
  /** How many there were, told or not. */
  readonly count: number;
  /** Counts it; tells of it if none was told within the last second, with `details.leftOut` for those that were not. */
  emit(fields: LogFields, level?: LogLevel): void;
}

/** Makes one. */
export function createRareEvent(events: EventLog, name: LogEventName, clock: Clock): RareEvent {
  let count = 0;
  let leftOut = 0;
  let nextAt = Number.NEGATIVE_INFINITY;
  return {
    get count() {
      return count;
    },
    emit(fields, level) {
      count++;
      const now = clock.now();
      if (now < nextAt) {
        leftOut++;
        return;
      }
      // Before it is told: telling of it may cause the next.
      nextAt = now + INTERVAL_MS;
      const details = leftOut === 0 ? fields.details : { ...fields.details, leftOut };
      leftOut = 0;
      events.emit(name, { ...fields, details }, level);
    },
  };
}
