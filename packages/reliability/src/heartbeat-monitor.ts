import { NotRunningError, TimeoutError } from "@multifrost/protocol/errors";
import { CALLBACK, checkOptions, countFrom, numberFrom, type OptionRules } from "@multifrost/protocol/internal";
import { CLOCK, type Clock, type Timer } from "./clock.js";

/** Options of a {@link HeartbeatMonitor}. The callbacks must not throw; they may call `stop` and `start`. */
export interface HeartbeatOptions {
  clock: Clock;
  /** Time from one heartbeat to the next, in milliseconds. 0: only those sent by `beat`. Default: 5000. */
  intervalMs?: number;
  /** How long a heartbeat may stay unanswered, in milliseconds. Default: 3000. */
  timeoutMs?: number;
  /** Misses in a row after which the worker counts as stalled: it computes, is suspended, or hangs. Default: 3. */
  maxMisses?: number;
  /**
   * How long heartbeats may stay unanswered before the worker counts as lost, in milliseconds; counted in whole intervals,
   * in which this process ran too. 0: as soon as it is stalled. `Infinity`: never. Default: 60 000.
   */
  stallTimeoutMs?: number;
  /** Returns a new id for each heartbeat. */
  newId: () => string;
  /** Sends a heartbeat. If it throws, the heartbeat becomes a miss when its timeout is over. */
  send: (id: string) => void;
  /**
   * How many messages the worker has sent so far. One that came after a heartbeat was sent is a sign of life as an answer is:
   * the heartbeat is no miss. Default: answers alone count.
   */
  received?: () => number;
  /** A heartbeat was answered, in time or late. `rttMs`: its round trip in milliseconds, on the monotonic clock. */
  onAnswer?: (answer: { readonly rttMs: number }) => void;
  /** A heartbeat was not answered in time. `misses`: misses in a row so far. */
  onMiss?: (miss: { readonly misses: number }) => void;
  /** `maxMisses` in a row were not answered. Called once per stall; heartbeats continue, so that a recovery is noticed. */
  onStalled?: (stall: Silence) => void;
  /** Heartbeats stayed unanswered for `stallTimeoutMs`. Called once per stall, after `onStalled`. */
  onLost?: (loss: Silence) => void;
  /** A stalled or lost worker gave a sign of life. */
  onRecovered?: () => void;
}

/** How long a worker has given no sign of life. */
export interface Silence {
  /** Misses in a row. */
  readonly misses: number;
  /** In milliseconds, counted in whole intervals: time in which this process did not run does not count. */
  readonly silentMs: number;
}

/** Options of {@link HeartbeatMonitor.beat}. */
export interface BeatOptions {
  /** How long to wait for the answer, in milliseconds. Default: the monitor's `timeoutMs`. */
  timeoutMs?: number;
}

/** How many unanswered heartbeats are remembered, to recognise late answers. */
const LATE_REMEMBERED = 16;

/** Heartbeats alone do not keep a process alive. */
const UNREF = { unref: true };

const ADVICE = "The worker is gone, or its event loop is blocked. Look at its output, or allow more time.";

/** A caller of `beat` that waits for the answer. */
interface Waiter {
  resolve(rttMs: number): void;
  reject(error: unknown): void;
}

interface Beat {
  readonly sentAt: number;
  readonly timeoutMs: number;
  readonly waiter: Waiter | undefined;
  /** How many messages had been received when it was sent. */
  readonly receivedBefore: number | undefined;
  timer: Timer;
}

const RULES: OptionRules<HeartbeatOptions> = {
  clock: CLOCK,
  intervalMs: numberFrom(0),
  timeoutMs: numberFrom(0),
  maxMisses: countFrom(1),
  stallTimeoutMs: numberFrom(0),
  newId: CALLBACK,
  send: CALLBACK,
  received: CALLBACK,
  onAnswer: CALLBACK,
  onMiss: CALLBACK,
  onStalled: CALLBACK,
  onLost: CALLBACK,
  onRecovered: CALLBACK,
};

/**
 * Checks whether a worker still answers: sends a heartbeat every interval and reports answers, misses, stall, loss and
 * recovery. It sends no bytes itself and decides nothing about a lost worker. Its timers do not keep the process alive.
 */
export class HeartbeatMonitor {
  readonly #options: HeartbeatOptions;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  readonly #maxMisses: number;
  /** Misses in a row after which the worker is lost. */
  readonly #lostAfter: number;
  /** Sent, neither answered nor overdue. */
  readonly #waiting = new Map<string, Beat>();
  /** Overdue, with the time they were sent; the oldest first. */
  readonly #late = new Map<string, number>();
  #nextTick: Timer | undefined;
  #misses = 0;
  #health: "alive" | "stalled" | "lost" = "alive";
  #lastRttMs: number | undefined;

  constructor(options: HeartbeatOptions) {
    checkOptions("HeartbeatMonitor", options, RULES);
    const { clock, intervalMs = 5000, timeoutMs = 3000, maxMisses = 3, stallTimeoutMs = 60_000 } = options;
    this.#options = options;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#timeoutMs = timeoutMs;
    this.#maxMisses = maxMisses;
    this.#lostAfter = Math.max(maxMisses, Math.ceil(stallTimeoutMs / intervalMs));
  }

  /** Misses in a row so far. */
  get misses(): number {
    return this.#misses;
  }

  /** Whether `maxMisses` was reached and no sign of life has come since. */
  get stalled(): boolean {
    return this.#health !== "alive";
  }

  /** Whether `stallTimeoutMs` was reached and no sign of life has come since. */
  get lost(): boolean {
    return this.#health === "lost";
  }

  /** The latest round trip, in milliseconds; `undefined` before the first answer. */
  get lastRttMs(): number | undefined {
    return this.#lastRttMs;
  }

  /** Sends a heartbeat now and one every interval, until `stop`. No effect when started, or when `intervalMs` is 0. */
  start(): void {
    if (this.#intervalMs > 0 && this.#nextTick === undefined) {
      this.#tick();
    }
  }

  /**
   * Sends one heartbeat now, started or not, and resolves with its round trip in milliseconds. Use it to check that the
   * worker is reachable. An unanswered one is not a miss; an answered one counts as any other answer. Keeps the process alive
   * meanwhile.
   *
   * Rejects with `TIMEOUT` when no answer comes in time, `NOT_RUNNING` when `stop` is called first, or with what `send`
   * threw.
   */
  beat(options?: BeatOptions): Promise<number> {
    const id = this.#options.newId();
    return new Promise((resolve, reject) => {
      this.#expectAnswer(id, options?.timeoutMs ?? this.#timeoutMs, { resolve, reject });
      try {
        this.#options.send(id);
      } catch (error) {
        this.#waiting.get(id)?.timer.cancel();
        this.#waiting.delete(id);
        reject(error);
      }
    });
  }

  /**
   * Takes the answer to the heartbeat with this id. A late answer counts too: it ends the misses in a row, and its round
   * trip is reported.
   *
   * Returns `false` when the id is not that of a heartbeat, or the heartbeat was answered already or is too old.
   */
  answered(id: string): boolean {
    const beat = this.#waiting.get(id);
    const sentAt = beat?.sentAt ?? this.#late.get(id);
    if (sentAt === undefined) {
      return false;
    }
    beat?.timer.cancel();
    this.#waiting.delete(id);
    this.#late.delete(id);
    const rttMs = this.#clock.now() - sentAt;
    const recovered = this.#revive();
    this.#lastRttMs = rttMs;
    beat?.waiter?.resolve(rttMs);
    this.#options.onAnswer?.({ rttMs });
    if (recovered) {
      this.#options.onRecovered?.();
    }
    return true;
  }

  /** Ends heartbeats, rejects every waiting `beat` and forgets misses. May be called twice; `start` starts again. */
  stop(): void {
    this.#nextTick?.cancel();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#late.clear();
    this.#nextTick = undefined;
    this.#misses = 0;
    this.#health = "alive";
    for (const { timer, waiter } of waiting) {
      timer.cancel();
      const message = "Heartbeats stopped before this one was answered. Start the worker again to send another.";
      waiter?.reject(new NotRunningError(message, { state: "stopped" }));
    }
  }

  /** Sets the next tick first, so that no failure in here can end the loop. */
  #tick(): void {
    this.#nextTick = this.#clock.setTimer(() => this.#tick(), this.#intervalMs, UNREF);
    const id = this.#options.newId();
    this.#expectAnswer(id, this.#timeoutMs, undefined);
    try {
      this.#options.send(id);
    } catch {
      // No answer can come: this heartbeat becomes a miss when its timeout is over.
    }
  }

  /**
   * Waits one more turn of the event loop after the timeout: when this process itself was busy, the answer may have
   * arrived and not been read yet.
   */
  #expectAnswer(id: string, timeoutMs: number, waiter: Waiter | undefined): void {
    // The wait must end, also where nothing else keeps the process alive.
    const options = waiter === undefined ? UNREF : {};
    const timedOut = (): void => {
      beat.timer = this.#clock.setTimer(() => this.#overdue(id, beat), 0, options);
    };
    const timer = this.#clock.setTimer(timedOut, timeoutMs, options);
    const receivedBefore = this.#options.received?.();
    const beat: Beat = { sentAt: this.#clock.now(), timeoutMs, waiter, receivedBefore, timer };
    this.#waiting.set(id, beat);
  }

  #overdue(id: string, { sentAt, timeoutMs, waiter, receivedBefore }: Beat): void {
    this.#waiting.delete(id);
    this.#late.set(id, sentAt);
    for (const oldest of this.#late.keys()) {
      if (this.#late.size <= LATE_REMEMBERED) {
        break;
      }
      this.#late.delete(oldest);
    }
    if (waiter === undefined) {
      if (this.#options.received?.() === receivedBefore) {
        this.#missed();
      } else if (this.#revive()) {
        this.#options.onRecovered?.();
      }
    } else {
      waiter.reject(new TimeoutError(`Heartbeat not answered within ${timeoutMs} ms. ${ADVICE}`, { timeoutMs }));
    }
  }

  #missed(): void {
    this.#misses += 1;
    this.#options.onMiss?.({ misses: this.#misses });
    if (this.#misses >= this.#maxMisses && this.#health === "alive") {
      this.#health = "stalled";
      this.#options.onStalled?.(this.#silence());
    }
    if (this.#misses >= this.#lostAfter && this.#health === "stalled") {
      this.#health = "lost";
      this.#options.onLost?.(this.#silence());
    }
  }

  #silence(): Silence {
    return { misses: this.#misses, silentMs: this.#misses * this.#intervalMs };
  }

  /** The worker gave a sign of life. Returns whether it had been stalled or lost. */
  #revive(): boolean {
    const recovered = this.stalled;
    this.#misses = 0;
    this.#health = "alive";
    return recovered;
  }
}
