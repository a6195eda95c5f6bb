import type { ErrorCode, RemoteFailure } from "./errors/index.js";
import type { ErrorMessage, ErrorParts } from "./messages.js";

/** Why a child refuses a call. Refusals are the caller's mistake and say nothing about the worker's health. */
export type RefusalCode = Extract<
  ErrorCode,
  "FUNCTION_NOT_FOUND" | "NOT_CALLABLE" | "PRIVATE_METHOD" | "MISSING_FUNCTION" | "WRONG_NAMESPACE" | "OVERLOADED"
>;

/** The text of each refusal. Older implementations send only the text. */
const REFUSALS: Readonly<Record<RefusalCode, RegExp>> = {
  FUNCTION_NOT_FOUND: /^Function '[^']*' not found/i,
  NOT_CALLABLE: /^'[^']*' is (?:not callable$|a function property, not a method)/i,
  PRIVATE_METHOD: /^Cannot call private method '/i,
  MISSING_FUNCTION: /^Message missing 'function'/i,
  WRONG_NAMESPACE: /^No namespace '/i,
  OVERLOADED: /^Too many calls /i,
};

const PYTHON_TRACEBACK = "\nTraceback (most recent call last):";

/** Splits a thrown value into parts. Never throws, whatever the value is. */
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

/** Reads an error answer of any implementation: `metadata.error` if it is present, else Python's text form. */
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

/** A sender of parts includes the code of a refusal. Without it, the text is the message of a thrown error. */
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

function textOf(value: unknown): string {
  return typeof value === "string" ? value : String(value);
}
