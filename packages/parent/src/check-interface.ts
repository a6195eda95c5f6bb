// Whether the worker is still the one that its caller's types were made from. Asked in the background, each time the
// worker has become reachable, as it may be another one after a restart; nothing waits for it and nothing fails by it.

import { type InterfaceDescription, interfaceHash } from "@multifrost/protocol";
import type { Clock, EventLog, LogFields } from "@multifrost/reliability";
import type { CallOptions } from "./call/call-options.js";

/** What a check needs from around it. */
export interface InterfaceCheckOptions {
  /** What the worker is called in messages. */
  readonly workerName: string;
  /** The hash that the caller's types came with; `undefined`: nothing is ever asked. */
  readonly expected: string | undefined;
  /** How long an answer is waited for, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends a check that is under way, for good. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly events: Pick<EventLog, "emit">;
  describe(options: CallOptions): Promise<InterfaceDescription>;
}

/** Makes the function that begins a check. A check that is under way when another begins is given up. */
export function createInterfaceCheck(options: InterfaceCheckOptions): () => void {
  const { expected, signal } = options;
  if (expected === undefined) {
    return () => {};
  }
  let latest: AbortController | undefined;
  signal.addEventListener("abort", () => latest?.abort(), { once: true });
  return () => {
    latest?.abort();
    const current = new AbortController();
    latest = current;
    void check(expected, current, options, () => signal.aborted || latest !== current);
  };
}

/** Never rejects. The wait ends by a signal, as a timeout would count against the worker in the circuit breaker. */
async function check(
  expected: string,
  current: AbortController,
  { workerName, timeoutMs, clock, events, describe }: InterfaceCheckOptions,
  givenUp: () => boolean,
): Promise<void> {
  const limit = clock.setTimer(() => current.abort(new Error(`No answer came within ${timeoutMs} ms.`)), timeoutMs, {
    unref: true,
  });
  try {
    const description = await describe({ signal: current.signal });
    const actual = await interfaceHash(description);
    if (actual !== expected && !givenUp()) {
      events.emit("interface_mismatch", mismatch(workerName, expected, actual, description));
    }
  } catch (err) {
    if (!givenUp()) {
      const message = `${workerName} could not be asked for its interface, to compare it with interfaceHash.`;
      events.emit("interface_unchecked", { message, err });
    }
  } finally {
    limit.cancel();
  }
}

function mismatch(
  workerName: string,
  expected: string,
  actual: string,
  { functions }: InterfaceDescription,
): LogFields {
  const count = Object.keys(functions).length;
  const message =
    `${workerName} is not the worker that its types were made from: its interface (${count} functions) has the hash ` +
    `${actual.slice(0, 12)}…, and interfaceHash is ${expected.slice(0, 12)}…. Make the types anew with ` +
    "interfaceDeclaration(await worker.describe(), …), or start the worker that they belong to.";
  return { message, details: { expected, actual, functions: count } };
}
