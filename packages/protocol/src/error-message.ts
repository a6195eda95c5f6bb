// Error answers of all implementations, as the caller gets them.

import { type ErrorCode, RemoteCallError, type RemoteFailure } from "./errors/index.js";
import type { ErrorMessage, ErrorParts } from "./messages.js";
import { MAX_ERROR_DEPTH, MAX_ERRORS } from "./thrown-error.js";

/** Why a child refuses a call, which does not run then. Refusals say nothing about the worker's health. */
export type RefusalCode = Extract<
  ErrorCode,
  | "FUNCTION_NOT_FOUND"
  | "NOT_CALLABLE"
  | "PRIVATE_METHOD"
  | "MISSING_FUNCTION"
  | "WRONG_NAMESPACE"
  | "OVERLOADED"
  | "STOPPING"
>;

/** The text of each refusal. Older implementations send only the text. */
const REFUSALS: Readonly<Record<RefusalCode, RegExp>> = {
  FUNCTION_NOT_FOUND: /^Function (?:'[^']*' not found|not found: )/i,
  NOT_CALLABLE: /^'[^']*' is (?:not callable$|a function property, not a method)/i,
  PRIVATE_METHOD: /^Cannot call private method '/i,
  MISSING_FUNCTION: /^Message missing 'function'/i,
  WRONG_NAMESPACE: /^No namespace '/i,
  OVERLOADED: /^Too many calls /i,
  STOPPING: /^This worker is stopping/i,
};

type NamedFailure = RemoteFailure & { remoteName: string };

const PYTHON_TRACEBACK = "\nTraceback (most recent call last):";

/** Reads an error answer of any implementation: `metadata.error` if it is present, else Python's text form. */
export function readRemoteError(message: ErrorMessage): NamedFailure {
  const sentParts = partsOf(message.metadata?.error, new ErrorBudget(), 0);
  const parts = sentParts ?? splitPythonError(message.error);
  const failure = failureOf(parts);
  const refusal = refusalOf(parts, sentParts === undefined);
  if (refusal !== undefined) {
    failure.code = refusal;
    delete failure.remoteCode;
  }
  return failure;
}

function failureOf({ name, message, code, stack, cause, errors, data }: ErrorParts): NamedFailure {
  const failure: NamedFailure = { remoteName: name, remoteMessage: message };
  if (code !== undefined) {
    failure.remoteCode = code;
  }
  if (stack !== undefined) {
    failure.remoteStack = stack;
  }
  if (cause !== undefined) {
    failure.cause = nestedError(cause);
  }
  if (errors !== undefined) {
    failure.errors = errors.map(nestedError);
  }
  if (data !== undefined) {
    failure.remoteData = data;
  }
  return failure;
}

/** A cause, or an error of an error. Its stack is the worker's, since nothing here has caused it. */
function nestedError(parts: ErrorParts): RemoteCallError {
  const failure = failureOf(parts);
  const error = new RemoteCallError(`${failure.remoteName}: ${failure.remoteMessage}`, failure);
  const stack = `${error.name}: ${parts.stack ?? error.message}`;
  Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true });
  return error;
}

/** A sender of parts includes the code of a refusal. Without it, the text is the message of a thrown error. */
function refusalOf(parts: ErrorParts, isTextOnly: boolean): RefusalCode | undefined {
  const known = Object.keys(REFUSALS) as RefusalCode[];
  const sent = isOlderStopping(parts) ? "STOPPING" : parts.code;
  return known.find((code) => (isTextOnly || sent === code) && REFUSALS[code].test(parts.message));
}

/** How a stopping worker of another language refused calls before the code `STOPPING`. */
function isOlderStopping({ name, code }: ErrorParts): boolean {
  return code === "NOT_RUNNING" || (code === undefined && name === "NotRunningError");
}

/** How many more errors are read from one answer. */
class ErrorBudget {
  left = MAX_ERRORS;
}

/** Reads what is as documented; the rest is left out. Without a message there are no parts. */
function partsOf(value: unknown, budget: ErrorBudget, depth: number): ErrorParts | undefined {
  const fields = fieldsOf(value);
  if (fields === undefined || typeof fields.message !== "string" || depth > MAX_ERROR_DEPTH || budget.left === 0) {
    return undefined;
  }
  budget.left--;
  const { name, message, code, stack } = fields;
  const parts: ErrorParts = { name: typeof name === "string" && name !== "" ? name : "Error", message };
  if (typeof code === "string" || (typeof code === "number" && Number.isSafeInteger(code))) {
    parts.code = code;
  }
  if (typeof stack === "string") {
    parts.stack = stack;
  }
  const cause = partsOf(fields.cause, budget, depth + 1);
  if (cause !== undefined) {
    parts.cause = cause;
  }
  if (Array.isArray(fields.errors)) {
    parts.errors = fields.errors
      .slice(0, MAX_ERRORS)
      .map((error) => partsOf(error, budget, depth + 1))
      .filter((error) => error !== undefined);
  }
  const data = fieldsOf(fields.data);
  if (data !== undefined) {
    parts.data = data;
  }
  return parts;
}

/** A map as it was read; `undefined` for anything else, also for dates and binary data. */
function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  const isMap = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isMap ? (value as Record<string, unknown>) : undefined;
}

/** `TypeName: message\nTraceback …`. Without a traceback the whole text is the message. */
function splitPythonError(text: string): ErrorParts {
  const at = text.indexOf(PYTHON_TRACEBACK);
  if (at < 0) {
    return { name: "Error", message: text };
  }
  const head = text.slice(0, at);
  const [, name, message] = /^([A-Za-z_][\w.]*): ?([\s\S]*)$/.exec(head) ?? [];
  return { name: name ?? "Error", message: message ?? head, stack: text.slice(at + 1) };
}
