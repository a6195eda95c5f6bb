// One direction of an in-memory connection: carries bytes, and spoils them as the options ask.

/** What a network may do to messages. Loss and reordering go beyond what the contract of a channel allows. */
export interface NetworkConditions {
  /** How long each message is under way, in milliseconds. Default: 0, the next turn of the event loop. */
  delayMs?: number;
  /** The part of the messages that never arrive, 0 to 1. Default: 0. */
  lossRate?: number;
  /** The part of the messages that the one behind them overtakes, 0 to 1. Default: 0. */
  reorderRate?: number;
  /** Decides on loss and reordering: gives numbers from 0 up to but not 1. Default: `Math.random`. */
  random?: () => number;
}

/** A direction of a connection. */
export interface Wire {
  /** Puts one message on its way. */
  carry(bytes: Uint8Array): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
  /** Loses what is under way, and all that follows. */
  cut(): void;
}

/** Makes a wire that ends in `deliver`, which must not throw. */
export function createWire(conditions: NetworkConditions, deliver: (bytes: Uint8Array) => void): Wire {
  const { delayMs = 0, lossRate = 0, reorderRate = 0, random = Math.random } = conditions;
  const timers = new Set<ReturnType<typeof setTimeout>>();
  let overtaken: Uint8Array | undefined;
  let whenIdle: (() => void)[] = [];
  let isCut = false;

  const tellIdle = () => {
    if (timers.size === 0 && overtaken === undefined) {
      const waiting = whenIdle;
      whenIdle = [];
      for (const resolve of waiting) {
        resolve();
      }
    }
  };

  const depart = (bytes: Uint8Array) => {
    if (delayMs === 0) {
      deliver(bytes);
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      deliver(bytes);
      tellIdle();
    }, delayMs);
    timers.add(timer);
  };

  const departOvertaken = () => {
    const bytes = overtaken;
    overtaken = undefined;
    if (bytes !== undefined && !isCut) {
      depart(bytes);
    }
    tellIdle();
  };

  return {
    carry(bytes) {
      if (isCut || (lossRate > 0 && random() < lossRate)) {
        return;
      }
      if (overtaken === undefined && reorderRate > 0 && random() < reorderRate) {
        overtaken = bytes;
        // With nothing behind it, it goes by itself.
        setImmediate(departOvertaken);
        return;
      }
      depart(bytes);
      departOvertaken();
    },
    idle: () =>
      new Promise((resolve) => {
        whenIdle.push(resolve);
        tellIdle();
      }),
    cut() {
      isCut = true;
      overtaken = undefined;
      for (const timer of timers) {
        clearTimeout(timer);
      }
      timers.clear();
      tellIdle();
    },
  };
}
