import type { LogEventName } from "@multifrost/protocol/internal";
import type { Clock } from "./clock.js";
import type { EventLog } from "./event-log.js";
import type { LogFields, LogLevel } from "./logger.js";

/** The least time between two emitted events, in milliseconds. */
const INTERVAL_MS = 1_000;

/** Options of a {@link RareEvent}. */
export interface RareEventOptions<Name extends string = LogEventName> {
  clock: Clock;
  events: EventLog<Name>;
  /** The event to emit. */
  name: NoInfer<Name>;
}

/** Counts an event that a peer can cause as often as it likes, and emits it at most once a second. */
export class RareEvent<Name extends string = LogEventName> {
  readonly #clock: Clock;
  readonly #events: EventLog<Name>;
  readonly #name: Name;
  #count = 0;
  #leftOut = 0;
  #nextAt = Number.NEGATIVE_INFINITY;

  constructor({ clock, events, name }: RareEventOptions<Name>) {
    this.#clock = clock;
    this.#events = events;
    this.#name = name;
  }

  /** How often it happened, emitted or not. */
  get count(): number {
    return this.#count;
  }

  /**
   * Counts the event, and emits it unless one was emitted within the last second. `details.leftOut` is the number of
   * events since then that were not emitted.
   */
  emit(fields: LogFields, level?: LogLevel): void {
    this.#count++;
    const now = this.#clock.now();
    if (now < this.#nextAt) {
      this.#leftOut++;
      return;
    }
    // Set before emitting, which may cause the next one.
    this.#nextAt = now + INTERVAL_MS;
    const details = this.#leftOut === 0 ? fields.details : { ...fields.details, leftOut: this.#leftOut };
    this.#leftOut = 0;
    this.#events.emit(this.#name, { ...fields, details }, level);
  }
}
