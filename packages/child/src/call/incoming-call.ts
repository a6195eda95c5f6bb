// Step 9 of a call: from the message to the answer. Here is where every call in the child begins and ends.
// Next: method-table.ts finds the method, answer.ts encodes what it gave.

import { type CallMessage, type Codec, describeThrown, type ErrorParts } from "@multifrost/protocol";
import { FifoQueue } from "@multifrost/protocol/internal";
import type { Peer } from "@multifrost/transport";
import { answerCall, type Outcome } from "./answer.js";
import type { Lookup, MethodTable } from "./method-table.js";
import { overloaded, refusal, stopping, wrongNamespace } from "./refusals.js";

/**
 * Work at a stretch, in milliseconds. Then what has arrived meanwhile is read first, so that heartbeats and shutdown do
 * not wait for every call that came before them.
 */
const STRETCH_MS = 20;

/** A call from its arrival to its answer. */
export interface IncomingCall {
  readonly peer: Peer;
  readonly message: CallMessage;
  /** When it arrived, on the monotonic clock, in milliseconds. */
  readonly arrivedAt: number;
}

/** What the runner needs from around it. */
export interface CallRunnerOptions {
  readonly codec: Codec;
  readonly methods: MethodTable;
  readonly namespace: string;
  readonly otherNamespaces: "answer" | "ignore";
  readonly maxConcurrency: number;
  readonly maxPending: number;
  /** Sends an answer; throws what the channel's `send` throws. */
  send(peer: Peer, bytes: Uint8Array): void;
  began(call: IncomingCall): void;
  ended(call: IncomingCall, error: ErrorParts | undefined): void;
  /** A call got no answer: not even the shortest one could be sent. */
  unanswered(call: IncomingCall, reason: unknown): void;
  /** A call for another namespace was ignored. */
  ignored(call: IncomingCall): void;
}

/** Runs calls as they come, a bounded number at a time. */
export interface CallRunner {
  /** Calls running and waiting. */
  readonly pending: number;
  take(call: IncomingCall): void;
  /** Takes no more calls; resolves when the last one in flight is answered. */
  drain(): Promise<void>;
  /** Answers every call that has not begun with an error. */
  abandon(): void;
}

/** Makes a runner. */
export function createCallRunner(options: CallRunnerOptions): CallRunner {
  const waiting = new FifoQueue<IncomingCall>();
  let running = 0;
  let worked = 0;
  let resting = false;
  let closed = false;
  let drained: (() => void) | undefined;

  const runNext = (): void => {
    while (running < options.maxConcurrency && waiting.length > 0 && !resting) {
      const began = performance.now();
      run(waiting.shift() as IncomingCall);
      worked += performance.now() - began;
      if (worked >= STRETCH_MS) {
        rest();
      }
    }
    if (running + waiting.length === 0) {
      drained?.();
    }
  };

  const rest = (): void => {
    resting = true;
    setImmediate(() => {
      resting = false;
      worked = 0;
      runNext();
    });
  };

  const run = (call: IncomingCall): void => {
    running++;
    options.began(call);
    const outcome = invoke(options.methods.find(call.message.function), call.message.args);
    if (outcome instanceof Promise) {
      void outcome.then((later) => {
        end(call, later);
        runNext();
      });
    } else {
      // The loop in `runNext` goes on with the next one.
      end(call, outcome);
    }
  };

  const end = (call: IncomingCall, outcome: Outcome): void => {
    running--;
    finish(call, outcome, options);
  };

  return {
    get pending() {
      return running + waiting.length;
    },
    take(call) {
      const stranger = call.message.namespace !== options.namespace;
      if (stranger && options.otherNamespaces === "ignore") {
        options.ignored(call);
      } else if (stranger) {
        finish(call, wrongNamespace(call.message.namespace, options.namespace), options);
      } else if (closed) {
        finish(call, stopping(), options);
      } else if (running + waiting.length >= options.maxPending) {
        finish(call, overloaded(options.maxPending), options);
      } else {
        waiting.push(call);
        runNext();
      }
    },
    drain() {
      closed = true;
      return new Promise((resolve) => {
        drained = resolve;
        runNext();
      });
    },
    abandon() {
      for (let call = waiting.shift(); call !== undefined; call = waiting.shift()) {
        finish(call, stopping(), options);
      }
    },
  };
}

/** Answers a call and tells of its end. Never throws. */
function finish(call: IncomingCall, outcome: Outcome, options: CallRunnerOptions): void {
  const { id, function: name } = call.message;
  const send = (bytes: Uint8Array): void => options.send(call.peer, bytes);
  try {
    options.ended(call, answerCall({ codec: options.codec, callId: id, name, send }, outcome));
  } catch (reason) {
    options.unanswered(call, reason);
  }
}

/** Whatever the method does, this gives an outcome; at once where the method does, which spares a turn of promises. */
function invoke(lookup: Lookup, args: readonly unknown[]): Outcome | Promise<Outcome> {
  if (!lookup.found) {
    return refusal(lookup.code, lookup.reason);
  }
  try {
    const value = lookup.method(...args);
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
