// Step 9 of a call: from the message to the answer. Here is where every call in the child begins and ends.
// Next: method-table.ts finds the method, answer.ts encodes what it gave.

import { type CallMessage, type Codec, describeThrown, type ErrorParts, type RefusalCode } from "@multifrost/protocol";
import type { Peer } from "@multifrost/transport";
import { encodeAnswer, type Outcome } from "./answer.js";
import type { Lookup, MethodTable } from "./method-table.js";
import { createQueue } from "./queue.js";

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
  answer(call: IncomingCall, bytes: Uint8Array): void;
  began(call: IncomingCall): void;
  ended(call: IncomingCall, error: ErrorParts | undefined): void;
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
}

/** Makes a runner. */
export function createCallRunner(options: CallRunnerOptions): CallRunner {
  const waiting = createQueue<IncomingCall>();
  let running = 0;
  let drained: (() => void) | undefined;
  let closed = false;

  const finish = (call: IncomingCall, outcome: Outcome): void => {
    const { id, function: name } = call.message;
    const { bytes, error } = encodeAnswer(options.codec, id, name, outcome);
    options.answer(call, bytes);
    options.ended(call, error);
  };

  const runNext = (): void => {
    while (running < options.maxConcurrency && waiting.length > 0) {
      void run(waiting.take());
    }
    if (running === 0) {
      drained?.();
    }
  };

  const run = async (call: IncomingCall): Promise<void> => {
    running++;
    options.began(call);
    const outcome = await invoke(options.methods.find(call.message.function), call.message.args);
    running--;
    finish(call, outcome);
    runNext();
  };

  return {
    get pending() {
      return running + waiting.length;
    },
    take(call) {
      const refused = closed ? stopping() : refuse(call, running + waiting.length, options);
      if (refused === "ignore") {
        options.ignored(call);
      } else if (refused !== undefined) {
        finish(call, refused);
      } else {
        waiting.add(call);
        runNext();
      }
    },
    drain() {
      closed = true;
      if (running === 0) {
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        drained = resolve;
      });
    },
  };
}

/** Whatever the method does, this resolves. */
async function invoke(lookup: Lookup, args: readonly unknown[]): Promise<Outcome> {
  if (!lookup.found) {
    return refusal(lookup.code, lookup.reason);
  }
  try {
    return { ok: true, value: await lookup.method(...args) };
  } catch (thrown) {
    return { ok: false, error: describeThrown(thrown) };
  }
}

function refuse(call: IncomingCall, pending: number, options: CallRunnerOptions): Outcome | "ignore" | undefined {
  const { namespace } = call.message;
  if (namespace !== options.namespace) {
    return options.otherNamespaces === "ignore"
      ? "ignore"
      : refusal("WRONG_NAMESPACE", `No namespace '${namespace}' here; this worker's is '${options.namespace}'`);
  }
  return pending < options.maxPending
    ? undefined
    : refusal("OVERLOADED", `Too many calls are waiting here (maxPending ${options.maxPending}); call again later`);
}

function refusal(code: RefusalCode, message: string): Outcome {
  return { ok: false, error: { name: "RefusedCall", message, code } };
}

function stopping(): Outcome {
  return { ok: false, error: { name: "NotRunningError", message: "This worker is stopping and takes no more calls" } };
}
