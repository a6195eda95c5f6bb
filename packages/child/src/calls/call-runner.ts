import { type Codec, describeThrown, wireTime } from "@multifrost/protocol";
import type { ResolvedChildOptions } from "../options.js";
import type { Peers } from "../session/peers.js";
import {
  answerCall,
  type IncomingCall,
  type Outcome,
  overloaded,
  refusal,
  stopping,
  wrongNamespace,
} from "./answer.js";
import { CallShares } from "./call-shares.js";
import { type CallTelemetry, clock } from "./call-telemetry.js";
import type { Lookup, MethodTable } from "./method-table.js";

/**
 * Work without a pause, in milliseconds. Then the event loop turns, so that heartbeats and shutdown are read before
 * calls that arrived ahead of them are run.
 */
const STRETCH_MS = 20;

/** Which calls are taken, and how many of them. */
export type CallOptions = Pick<
  ResolvedChildOptions,
  "namespace" | "otherNamespaces" | "maxConcurrency" | "maxPending" | "maxPendingBytes"
>;

/** Runs and answers calls as they arrive, `maxConcurrency` at a time. */
export class CallRunner {
  readonly #options: CallOptions;
  readonly #codec: Codec;
  readonly #methods: MethodTable;
  readonly #peers: Peers;
  readonly #telemetry: CallTelemetry;
  readonly #shares: CallShares;
  #running = 0;
  /** Time spent on calls since the last pause, in milliseconds. */
  #workedMs = 0;
  /** When the clock was read last. */
  #readAt = 0;
  #pausing = false;
  #closed = false;
  #drained: (() => void) | undefined;

  constructor(options: CallOptions, codec: Codec, methods: MethodTable, peers: Peers, telemetry: CallTelemetry) {
    this.#options = options;
    this.#codec = codec;
    this.#methods = methods;
    this.#peers = peers;
    this.#telemetry = telemetry;
    this.#shares = new CallShares(options.maxPending, options.maxPendingBytes);
  }

  /** Calls running and waiting. */
  get pending(): number {
    return this.#shares.calls;
  }

  /** Runs the call now or when its turn comes, or refuses it. Never throws. */
  take(call: IncomingCall): void {
    const { namespace, otherNamespaces, maxConcurrency } = this.#options;
    const isForeign = call.message.namespace !== namespace;
    if (isForeign && otherNamespaces === "ignore") {
      this.#telemetry.ignored(call);
    } else if (isForeign) {
      this.#answer(call, wrongNamespace(call.message.namespace, namespace));
    } else if (this.#closed) {
      this.#answer(call, stopping());
    } else {
      const exceeded = this.#shares.add(call);
      if (exceeded !== undefined) {
        this.#answer(call, overloaded(exceeded, this.#options[exceeded]));
      } else if (this.#pausing || this.#running >= maxConcurrency || this.#shares.waiting > 0) {
        this.#shares.wait(call);
      } else {
        // Calls that arrived together: one begins when the one before has ended.
        this.#run(call, Math.max(call.arrivedAt, this.#readAt));
      }
    }
  }

  /** Takes no more calls. Resolves when those running and waiting are answered. */
  drain(): Promise<void> {
    this.#closed = true;
    return new Promise((resolve) => {
      this.#drained = resolve;
      if (this.pending === 0) {
        resolve();
      }
    });
  }

  /** Answers every call that has not started with an error. */
  abandon(): void {
    for (let call = this.#shares.next(); call !== undefined; call = this.#shares.next()) {
      this.#shares.remove(call);
      this.#answer(call, stopping());
    }
  }

  #runWaiting(): void {
    while (this.#running < this.#options.maxConcurrency && !this.#pausing) {
      const call = this.#shares.next();
      if (call === undefined) {
        return;
      }
      this.#run(call, clock.now());
    }
  }

  /** @param startedAt About now, on the monotonic clock, in milliseconds. */
  #run(call: IncomingCall, startedAt: number): void {
    this.#running++;
    this.#telemetry.started(call);
    const outcome = invoke(this.#methods.find(call.message.function), call.message.args);
    const now = clock.now();
    this.#readAt = now;
    this.#workedMs += now - startedAt;
    if (outcome instanceof Promise) {
      void outcome.then((later) => {
        this.#end(call, later, clock.now());
        this.#runWaiting();
      });
    } else {
      this.#end(call, outcome, now);
    }
    if (this.#workedMs >= STRETCH_MS) {
      this.#pause();
    }
  }

  #pause(): void {
    this.#pausing = true;
    setImmediate(() => {
      this.#pausing = false;
      this.#workedMs = 0;
      this.#runWaiting();
    });
  }

  #end(call: IncomingCall, outcome: Outcome, now: number): void {
    this.#running--;
    this.#shares.remove(call);
    this.#answer(call, outcome, now);
    if (this.#shares.calls === 0) {
      this.#drained?.();
    }
  }

  #answer(call: IncomingCall, outcome: Outcome, now: number = clock.now()): void {
    try {
      this.#telemetry.answered(call, answerCall(call, outcome, this.#codec, this.#peers, wireTime(now)));
    } catch (reason) {
      this.#telemetry.unanswered(call, reason);
    }
  }
}

/** Never throws or rejects. Without a promise where the method returns none: that saves a turn of the event loop. */
function invoke(lookup: Lookup, args: readonly unknown[]): Outcome | Promise<Outcome> {
  if (!lookup.found) {
    return refusal(lookup.code, lookup.reason);
  }
  try {
    const value = Reflect.apply(lookup.method, undefined, args);
    return isThenable(value) ? settled(value) : { ok: true, value, metadata: lookup.metadata?.() };
  } catch (thrown) {
    return { ok: false, error: describeThrown(thrown) };
  }
}

async function settled(value: PromiseLike<unknown>): Promise<Outcome> {
  try {
    return { ok: true, value: await value };
  } catch (thrown) {
    return { ok: false, error: describeThrown(thrown) };
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
