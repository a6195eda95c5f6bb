// What a worker reveals about its methods: their names, and as far as its language knows them their types. Also whether
// it is still the worker that the caller's types were made from.

import type { InterfaceDescription } from "@multifrost/protocol";
import { RemoteCallError, WorkerExitedError } from "@multifrost/protocol/errors";
import { interfaceHash, readInterface } from "@multifrost/protocol/interface";
import { INTROSPECTION_NAMES } from "@multifrost/protocol/internal";
import type { LogFields } from "@multifrost/reliability";
import type { CallOptions } from "../options.js";
import type { ParentContext } from "../session/types.js";
import type { Answer, Calls } from "./calls.js";

/** The names that can be called. Rejects as a call does. */
export async function listFunctions(calls: Calls, options: CallOptions): Promise<string[]> {
  const { value } = await askForFunctions(calls, options);
  return value as string[];
}

/** Names, parameters, types and documentation; the names alone for a worker that knows no more. Rejects as a call does. */
export async function describeWorker(calls: Calls, options: CallOptions): Promise<InterfaceDescription> {
  const { value, metadata } = await askForFunctions(calls, options);
  return readInterface(metadata?.interface, Array.isArray(value) ? value : []);
}

/**
 * Asks by the name of each language in turn until one is answered. Rejects with the first refusal, or at once with an
 * error that another name would not avoid.
 */
async function askForFunctions(calls: Calls, options: CallOptions): Promise<Answer> {
  let refused: unknown;
  for (const name of INTROSPECTION_NAMES) {
    try {
      return await calls.ask(name, options);
    } catch (error) {
      if (!(error instanceof RemoteCallError) || error instanceof WorkerExitedError) {
        throw error;
      }
      refused ??= error;
    }
  }
  throw refused;
}

/**
 * Compares the worker's interface with the option `interfaceHash`, in the background, each time the worker becomes
 * reachable: after a restart it may be another one. Logs `interface_mismatch` or `interface_unchecked`; calls go on.
 */
export class InterfaceCheck {
  readonly #context: ParentContext;
  readonly #calls: Calls;
  readonly #signal: AbortSignal;
  #latest: AbortController | undefined;

  /** @param signal Ends checks for good. */
  constructor(context: ParentContext, calls: Calls, signal: AbortSignal) {
    this.#context = context;
    this.#calls = calls;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#latest?.abort(), { once: true });
  }

  /** Begins a check and gives up the one before. No effect without `interfaceHash`. */
  begin(): void {
    const { interfaceHash: expected } = this.#context.options;
    if (expected !== undefined) {
      this.#latest?.abort();
      this.#latest = new AbortController();
      void this.#check(expected, this.#latest);
    }
  }

  /** Never rejects. The wait ends by a signal: a timeout would count against the worker in the circuit breaker. */
  async #check(expected: string, current: AbortController): Promise<void> {
    const { name, options, telemetry } = this.#context;
    const { startTimeoutMs } = options;
    const isGivenUp = (): boolean => this.#signal.aborted || this.#latest !== current;
    const limit = telemetry.clock.setTimer(
      () => current.abort(new Error(`No answer came within ${startTimeoutMs} ms.`)),
      startTimeoutMs,
      { unref: true },
    );
    try {
      const description = await describeWorker(this.#calls, { signal: current.signal });
      const actual = await interfaceHash(description);
      if (actual !== expected && !isGivenUp()) {
        telemetry.events.emit("interface_mismatch", mismatch(name, expected, actual, description));
      }
    } catch (err) {
      if (!isGivenUp()) {
        const message = `The interface of ${name} could not be compared with interfaceHash: it did not answer.`;
        telemetry.events.emit("interface_unchecked", { message, err });
      }
    } finally {
      limit.cancel();
    }
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
    `${actual.slice(0, 12)}…, and interfaceHash is ${expected.slice(0, 12)}…. Make the types again with ` +
    "interfaceDeclaration(await worker.describe(), …), or start the worker that they belong to.";
  return { message, details: { expected, actual, functions: count } };
}
