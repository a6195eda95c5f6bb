// Step 4 and 13 of a call: from the moment it is made to the moment it settles, once and only once.
// A call is an object with a life, and this holds those that live. Here every call begins and ends.

import type { Metadata } from "@multifrost/protocol";
import type { CallTicket, Timer } from "@multifrost/reliability";

/** A call that has been made and has not settled. */
export interface PendingCall {
  readonly id: string;
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly ticket: CallTicket;
  /** On the monotonic clock, in milliseconds. */
  readonly startedAt: number;
  readonly correlationId: string | undefined;
  readonly resolve: (value: unknown, metadata?: Metadata) => void;
  readonly reject: (error: unknown) => void;
  /** Whether it was handed to the channel; until then it waits for a connection. */
  sent: boolean;
  deadline: Timer | undefined;
  /** Takes its listener off the caller's signal. */
  unlisten: (() => void) | undefined;
}

/** How a call ended. */
export type CallOutcome =
  | { readonly ok: true; readonly value: unknown; readonly metadata?: Metadata | undefined }
  | { readonly ok: false; readonly error: Error };

/** The calls that have not settled, in the order in which they were made. */
export interface PendingCalls {
  readonly size: number;
  get(id: string): PendingCall | undefined;
  add(call: PendingCall): void;
  /** Settles a call; `false` if it had settled before, or never was. */
  settle(id: string, outcome: CallOutcome): boolean;
  /** The calls waiting for a connection, in order. */
  unsent(): PendingCall[];
  /** Rejects all, or those that `which` picks, each with an error of its own. */
  rejectAll(errorFor: (call: PendingCall) => Error, which?: (call: PendingCall) => boolean): void;
  /** Resolves when none that was sent is left. Those that wait for a connection are not waited for. */
  allAnswered(): Promise<void>;
}

/** Makes an empty set. `ended` hears of every call's end, before its promise settles. */
export function createPendingCalls(ended: (call: PendingCall, outcome: CallOutcome) => void): PendingCalls {
  const calls = new Map<string, PendingCall>();
  const whenAllAnswered: (() => void)[] = [];
  // Those that were sent come first, so that this is known at once.
  const noneIsSent = (): boolean => {
    for (const call of calls.values()) {
      if (call.sent) {
        return false;
      }
    }
    return true;
  };

  const settle = (id: string, outcome: CallOutcome): boolean => {
    const call = calls.get(id);
    if (call === undefined) {
      return false;
    }
    calls.delete(id);
    call.deadline?.cancel();
    call.unlisten?.();
    ended(call, outcome);
    if (outcome.ok) {
      call.resolve(outcome.value, outcome.metadata);
    } else {
      call.reject(outcome.error);
    }
    if (whenAllAnswered.length > 0 && noneIsSent()) {
      for (const resolve of whenAllAnswered.splice(0)) {
        resolve();
      }
    }
    return true;
  };

  return {
    get size() {
      return calls.size;
    },
    get: (id) => calls.get(id),
    add: (call) => void calls.set(call.id, call),
    settle,
    unsent: () => [...calls.values()].filter((call) => !call.sent),
    rejectAll(errorFor, which = () => true) {
      for (const call of [...calls.values()].filter(which)) {
        settle(call.id, { ok: false, error: errorFor(call) });
      }
    },
    allAnswered: () =>
      noneIsSent() ? Promise.resolve() : new Promise((resolve) => void whenAllAnswered.push(resolve)),
  };
}
