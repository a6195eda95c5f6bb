// The calls of one parent that were made and have not settled.

import type { MessageParts, Metadata } from "@multifrost/protocol";
import type { DeadlineLinks } from "@multifrost/reliability";
import type { ActiveSession } from "../session/types.js";
import type { MeasuredCall } from "./call-telemetry.js";

/** A call that was made and has not settled. */
export interface PendingCall extends MeasuredCall, DeadlineLinks<PendingCall> {
  /** What is to be sent; empty once it cannot be sent again, since a call may wait for its answer for long. */
  bytes: Uint8Array | MessageParts;
  /** What its message counts in `maxPendingBytes`, in bytes. */
  readonly size: number;
  readonly resolve: (value: unknown, metadata: Metadata | undefined) => void;
  readonly reject: (error: unknown) => void;
  /** The session whose channel has it; until then it waits for one. */
  sentOn: ActiveSession | undefined;
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Removes its callback from the caller's signal. */
  stopListening: (() => void) | undefined;
}

/** Something that waits until calls are answered. */
interface Waiter {
  readonly session: ActiveSession | undefined;
  readonly resolve: () => void;
}

/** By id, in the order in which they were made, so those that were sent come first. */
export class PendingCalls extends Map<string, PendingCall> {
  /** What their messages count in `maxPendingBytes`, in bytes, with {@link abandonedBytes}. */
  bytes = 0;
  /** The share of calls that ended without an answer, whose messages may still wait until the connection takes them. */
  abandonedBytes = 0;
  /** What waits for calls to be answered. With any, {@link checkAnswered} is called for each call that settles. */
  waiters: readonly Waiter[] = [];

  /** A call that was sent ended without an answer. */
  abandon({ size }: PendingCall): void {
    this.bytes += size;
    this.abandonedBytes += size;
  }

  /** Forgets the abandoned messages: the connection has taken them, or is gone. */
  reclaim(): void {
    this.bytes -= this.abandonedBytes;
    this.abandonedBytes = 0;
  }

  /** Those that wait for a session. */
  waiting(): PendingCall[] {
    return [...this.values()].filter(({ sentOn }) => sentOn === undefined);
  }

  /** Those that wait for an answer: of any session, or of this one. */
  sent(session?: ActiveSession): PendingCall[] {
    return [...this.values()].filter((call) => isSent(call, session));
  }

  /** Resolves when no call waits for an answer: of any session, or of this one. */
  allAnswered(session?: ActiveSession): Promise<void> {
    return new Promise((resolve) => {
      this.waiters = [...this.waiters, { session, resolve }];
      this.checkAnswered();
    });
  }

  /** Looks again whether all calls are answered. */
  checkAnswered(): void {
    const answered = this.waiters.filter(({ session }) => this.#noneIsSent(session));
    this.waiters = this.waiters.filter((waiter) => !answered.includes(waiter));
    for (const { resolve } of answered) {
      resolve();
    }
  }

  #noneIsSent(session: ActiveSession | undefined): boolean {
    for (const call of this.values()) {
      if (isSent(call, session)) {
        return false;
      }
    }
    return true;
  }
}

function isSent({ sentOn }: PendingCall, session: ActiveSession | undefined): boolean {
  return sentOn !== undefined && (session === undefined || sentOn === session);
}
