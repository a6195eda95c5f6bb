/// <reference path="./proper-lockfile.d.ts" />
// proper-lockfile, without what it leaves in the process.

import { createRequire } from "node:module";
import type { LockOptions } from "proper-lockfile";

/** The part of signal-exit 3 that is used here. */
interface SignalExit {
  load(): void;
  unload(): void;
}

/** What all copies of signal-exit in a process share. */
interface ExitEmitter {
  readonly count: number;
  listenerCount(event: string): number;
}

/** Undoes a lock. */
export type Unlock = () => Promise<void>;

/**
 * Locks with proper-lockfile. It loads signal-exit, which replaces `process.emit` and `process.reallyExit` and listens for
 * signals, to remove locks where the process ends. Here that lasts as long as a lock is held, unless another program's
 * code uses signal-exit too.
 */
export class Lockfile {
  #hooks: SignalExit | undefined;
  /** What signal-exit has put there. */
  #emit: unknown;
  #held = 0;

  /** As `lock` of proper-lockfile. */
  async lock(file: string, options: LockOptions): Promise<Unlock> {
    const wasUsed = (exitEmitter()?.count ?? 0) > 0;
    const { lock } = await import("proper-lockfile");
    this.#hooks ??= wasUsed ? undefined : signalExit();
    this.#hooks?.load();
    this.#emit = process.emit;
    this.#held++;
    try {
      const unlock = await lock(file, options);
      return () => unlock().finally(() => this.#released());
    } catch (error) {
      this.#released();
      throw error;
    }
  }

  #released(): void {
    this.#held--;
    const emitter = exitEmitter();
    // proper-lockfile's own listener is the only one, and nothing has replaced `emit` since.
    const isUnused = emitter?.listenerCount("exit") === 1 && emitter.listenerCount("afterexit") === 0;
    if (this.#held === 0 && isUnused && process.emit === this.#emit) {
      this.#hooks?.unload();
    }
  }
}

function exitEmitter(): ExitEmitter | undefined {
  return (process as { __signal_exit_emitter__?: ExitEmitter }).__signal_exit_emitter__;
}

/** The copy that proper-lockfile uses; `undefined` in a bundle that has both inside. */
function signalExit(): SignalExit | undefined {
  try {
    const ofOurs = createRequire(import.meta.url);
    const found: unknown = createRequire(ofOurs.resolve("proper-lockfile"))("signal-exit");
    return found as SignalExit;
  } catch {
    return undefined;
  }
}
