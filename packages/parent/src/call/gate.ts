// The gate of step 2: may this call be made at all? Nothing is remembered of one that may not.
// Next: back in outgoing-call.ts; the circuit breaker (step 3) is asked last.

import { AbortError, CircuitOpenError, OverloadError } from "@multifrost/protocol";
import type { CallTicket } from "@multifrost/reliability";
import type { CallContext } from "./outgoing-call.js";

/**
 * Lets a call through, with the ticket to hand back when it has ended. Throws why there is no worker, `AbortError`,
 * `OverloadError`, `CircuitOpenError`.
 */
export function gate(name: string, signal: AbortSignal | undefined, context: CallContext): CallTicket {
  const { workerName, pending, maxPending, breaker } = context;
  const absence = context.absence(name);
  if (absence !== undefined) {
    throw absence;
  }
  if (signal?.aborted === true) {
    throw aborted(name, signal, "before it was sent");
  }
  if (pending.size >= maxPending) {
    throw new OverloadError(
      `'${name}' was not sent: ${pending.size} calls to ${workerName} are waiting (maxPending). ` +
        "Await some of them first, or use more workers.",
      { limit: maxPending },
    );
  }
  const admission = breaker.admit();
  if (!admission.admitted) {
    throw new CircuitOpenError(
      `'${name}' was not sent: the circuit to ${workerName} is open after repeated failures. The next trial call is ` +
        `let through at ${admission.retryAt.toISOString()}; resetCircuit() closes it now.`,
      { retryAt: admission.retryAt },
    );
  }
  return admission;
}

/** The error for a call whose signal has fired. */
export function aborted(name: string, signal: AbortSignal, when: string): AbortError {
  return new AbortError(`'${name}' was aborted ${when}.`, { cause: signal.reason });
}
