// The answers to calls that are not run, in words that every parent knows them by: protocol/src/error-message.ts.

import type { RefusalCode } from "@multifrost/protocol";
import type { Outcome } from "./answer.js";

/** A call that is the caller's mistake, or too much. */
export function refusal(code: RefusalCode, message: string): Outcome {
  return { ok: false, error: { name: "RefusedCall", message, code } };
}

/** A call for a worker with another namespace. */
export function wrongNamespace(asked: string, own: string): Outcome {
  return refusal("WRONG_NAMESPACE", `No namespace '${asked}' here; this worker's is '${own}'`);
}

/** More calls than may wait. */
export function overloaded(maxPending: number): Outcome {
  return refusal("OVERLOADED", `Too many calls are waiting here (maxPending ${maxPending}); call again later`);
}

/** A call that came after the end had begun, or had not begun by then. */
export function stopping(): Outcome {
  return { ok: false, error: { name: "NotRunningError", message: "This worker is stopping and takes no more calls" } };
}
