// The walk over a message's values: where it is, how much it has seen, and the errors that say so.
// Used by wire-values.ts.

import { describeThrown } from "./error-message.js";
import { type ErrorCode, SerializationError } from "./errors/index.js";
import type { MessageLimits } from "./limits.js";

/** How much of a message has been walked over. */
export interface Size {
  values: number;
  /** At least so many bytes: those of binary values, and one for each character. */
  bytes: number;
}

/** Where the walk is: the way down to the value at hand, for messages and to notice cycles. */
export interface Walk {
  readonly limits: MessageLimits;
  readonly path: (string | number)[];
  readonly ancestors: object[];
  readonly maxDepth: number;
  readonly size: Size;
}

/** The error for a getter or a proxy that failed: what it threw is the user's own and may be anything. */
export function unreadable(walk: Walk, cause: unknown): SerializationError {
  const reason = describeThrown(cause).message;
  return failure("UNSENDABLE_VALUE", walk, `a value that cannot be read cannot be sent (${reason})`, cause);
}

/** Counts a value or a map's key. Throws `SerializationError` `LIMIT_EXCEEDED`. */
export function countValue(walk: Walk): void {
  if (++walk.size.values > walk.limits.maxValues) {
    throw tooMuch(walk, "values in one message", "maxValues");
  }
}

/** So that what is far too large is not encoded first. Throws `SerializationError` `MESSAGE_TOO_LARGE`. */
export function countBytes(walk: Walk, bytes: number): void {
  const { size, limits } = walk;
  size.bytes += bytes;
  if (size.bytes > limits.maxMessageBytes) {
    const what = `more than ${limits.maxMessageBytes} bytes in one message (limits.maxMessageBytes); send it in parts,`;
    throw failure("MESSAGE_TOO_LARGE", walk, `${what} pass a file's path, or raise the limit on both sides`);
  }
}

/** The error for a value that has no form on the wire. */
export function unsendable(walk: Walk, what: string): SerializationError {
  return failure("UNSENDABLE_VALUE", walk, what);
}

/** The error for a value beyond a limit. */
export function tooMuch(walk: Walk, what: string, limit: keyof MessageLimits): SerializationError {
  return failure("LIMIT_EXCEEDED", walk, `more than ${walk.limits[limit]} ${what} (limits.${limit})`);
}

function failure(code: ErrorCode, walk: Walk, what: string, cause?: unknown): SerializationError {
  const path = formatPath(walk.path);
  return new SerializationError(code, `${path}: ${what}. Nothing was sent.`, { path, cause });
}

/** `["args", 0, "cb"]` → `args[0].cb`. */
function formatPath(path: readonly (string | number)[]): string {
  const steps = path.slice(1).map((step) => {
    if (typeof step === "number") {
      return `[${step}]`;
    }
    return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  });
  return `${path[0]}${steps.join("")}`;
}
