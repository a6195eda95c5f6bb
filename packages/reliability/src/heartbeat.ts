// Is the worker still there? Sends a heartbeat every interval and tells what becomes of it. It sends no bytes itself.
// Only the contract; next: heartbeat-monitor.ts. What to do about a lost worker is decided by whoever listens.

import type { Clock } from "./clock.js";

/** How a monitor is made. The callbacks must not throw; they may call `stop` and `start`. */
export interface HeartbeatOptions {
  clock: Clock;
  /** From one heartbeat to the next, in milliseconds. 0: only those asked for by `beat`. Default: 5000. */
  intervalMs?: number;
  /** How long a heartbeat may stay unanswered, in milliseconds. Default: 3000. */
  timeoutMs?: number;
  /** Misses in a row that make the worker lost. Default: 3. */
  maxMisses?: number;
  /** A fresh id for each heartbeat. */
  newId: () => string;
  /** Sends a heartbeat. What it throws is taken as a heartbeat that nobody answers. */
  send: (id: string) => void;
  /** A heartbeat was answered, in time or late. `rttMs`: its round trip on the monotonic clock. */
  onAnswer?: (answer: { readonly rttMs: number }) => void;
  /** A heartbeat was not answered in time. `misses`: how many in a row by now. */
  onMiss?: (miss: { readonly misses: number }) => void;
  /** `maxMisses` in a row. Told once; heartbeats go on, so that a recovery is seen. */
  onLost?: (loss: { readonly misses: number }) => void;
  /** A lost worker answered. */
  onRecovered?: () => void;
}

/** One heartbeat, for `beat`. */
export interface BeatOptions {
  /** How long to wait for its answer, in milliseconds. Default: the monitor's `timeoutMs`. */
  timeoutMs?: number;
}

/** Watches one worker. Its timers do not keep the process alive. */
export interface HeartbeatMonitor {
  /** Misses in a row so far. */
  readonly misses: number;
  /** Whether `maxMisses` was reached and nothing was answered since. */
  readonly lost: boolean;
  /** The latest round trip in milliseconds; `undefined` before the first answer. */
  readonly lastRttMs: number | undefined;
  /** Sends the first heartbeat at once and one every interval from then on, until `stop`. No effect when started. */
  start(): void;
  /**
   * Sends one heartbeat now, started or not, and resolves with its round trip in milliseconds: the proof that the
   * worker is reachable. Rejects with `TimeoutError`, with `NotRunningError` when `stop` comes first, or with what
   * `send` threw. Left unanswered it is no miss; answered it is a sign of life like any other.
   */
  beat(options?: BeatOptions): Promise<number>;
  /**
   * An answer with this id has come. `false`: not one of our heartbeats, or one that was answered before, or too long
   * ago. A late answer is a sign of life too: it ends the misses in a row, and its round trip is reported.
   */
  answered(id: string): boolean;
  /** Ends heartbeats, rejects every `beat` that waits, forgets misses. May be called twice; `start` begins anew. */
  stop(): void;
}
