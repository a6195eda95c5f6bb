// A thrown value to the parts of an error message (step 11, in the child), and back to what a caller can use (step 12).

import type { ErrorCode, RemoteFailure } from "./errors/index.js";
import type { ErrorMessage, ErrorParts } from "./messages.js";

/** The refusals a child can answer, which are the caller's mistake and say nothing about the worker's health. */
export type RefusalCode = Extract<
  ErrorCode,
  "FUNCTION_NOT_FOUND" | "NOT_CALLABLE" | "PRIVATE_METHOD" | "MISSING_FUNCTION" | "WRONG_NAMESPACE" | "OVERLOADED"
>;

/** How each refusal reads, also when an older implementation sends the text alone. */
const REFUSALS: Readonly<Record<RefusalCode, RegExp>> = {
  FUNCTION_NOT_FOUND: /^Function '[^']*' not found/i,
  NOT_CALLABLE: /^'[^']*' is (?:not callable$|a function property, not a method)/i,
  PRIVATE_METHOD: /^Cannot call private method '/i,
  MISSING_FUNCTION: /^Message missing 'function'/i,
  WRONG_NAMESPACE: /^No namespace '/i,
  OVERLOADED: /^Too many calls /i,
};

const PYTHON_TRACEBACK = "\nTraceback (most recent call last):";

/** Splits whatever a method threw into parts. Never throws, whatever it is given. */
export function describeThrown(thrown: unknown): ErrorParts {
  try {
    if (typeof thrown !== "object" || thrown === null || !("message" in thrown)) {
      return { name: "Error", message: textOf(thrown) };
    }
    const { name, message, stack, code } = thrown as {
      name?: unknown;
      message: unknown;
      stack?: unknown;
      code?: unknown;
    };
    const parts: ErrorParts = {
      name: typeof name === "string" && name !== "" ? name : "Error",
      message: textOf(message),
    };
    if (typeof code === "string") {
      parts.code = code;
    }
    if (typeof stack === "string") {
      parts.stack = stack;
    }
    return parts;
  } catch {
    return { name: "Error", message: "The method threw a value that cannot be read." };
  }
}

/** Reads an error answer of any implementation: `metadata.error` where it is present, else Python's text form. */
export function readRemoteError(message: ErrorMessage): RemoteFailure & { remoteName: string } {
  const sentParts = partsOf(message.metadata?.error);
  const parts = sentParts ?? splitPythonError(message.error);
  const failure: RemoteFailure & { remoteName: string } = { remoteName: parts.name, remoteMessage: parts.message };
  const refusal = refusalOf(parts, sentParts === undefined);
  if (refusal !== undefined) {
    failure.code = refusal;
  } else if (parts.code !== undefined) {
    failure.remoteCode = parts.code;
  }
  if (parts.stack !== undefined) {
    failure.remoteStack = parts.stack;
  }
  return failure;
}

/** Who sends parts names a refusal by its code too: without one, the text is what a method threw. */
function refusalOf(parts: ErrorParts, isTextOnly: boolean): RefusalCode | undefined {
  const known = Object.keys(REFUSALS) as RefusalCode[];
  return known.find((code) => (isTextOnly || parts.code === code) && REFUSALS[code].test(parts.message));
}

function partsOf(value: unknown): ErrorParts | undefined {
  if (typeof value !== "object" || value === null) {
    return undefined;
  }
  const { name, message, code, stack } = value as Record<string, unknown>;
  if (typeof message !== "string") {
    return undefined;
  }
  return {
    name: typeof name === "string" && name !== "" ? name : "Error",
    message,
    ...(typeof code === "string" ? { code } : {}),
    ...(typeof stack === "string" ? { stack } : {}),
  };
}

/** `TypeName: message\nTraceback …`; without a traceback the text is taken as the message, whatever it looks like. */
function splitPythonError(text: string): ErrorParts {
  const at = text.indexOf(PYTHON_TRACEBACK);
  if (at < 0) {
    return { name: "Error", message: text };
  }
  const head = text.slice(0, at);
  const [, name, message] = /^([A-Za-z_][\w.]*): ?([\s\S]*)$/.exec(head) ?? [];
  return { name: name ?? "Error", message: message ?? head, stack: text.slice(at + 1) };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : String(value);
}
