// The base of every error this library raises, and the one place that makes `instanceof` work across copies.
// Next: local-errors.ts (raised on this side) and remote-error.ts (raised by the worker).

import type { ErrorCode } from "./error-codes.js";

const KINDS = Symbol.for("multifrost.errorKinds");

/** What every error takes beside its message. */
export interface ErrorDetails {
  /** What led to it; Node prints it below the stack. */
  cause?: unknown;
}

/**
 * The base class of all errors of this library.
 *
 * `code` is stable and meant for `switch`; `message` says what happened, to what, and what to do next.
 * `instanceof` also holds between two copies of the package in one process: it looks at a brand that every copy
 * shares and not at the prototype. A class of your own that extends one of these is told apart as usual.
 */
export class MultifrostError extends Error {
  /** Names this class and those above it, for `instanceof` between copies. Not set on classes that extend ours. */
  static readonly kind: string = "MultifrostError";

  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, details?: ErrorDetails) {
    super(message, details?.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    Object.defineProperty(this, "name", { value: new.target.name, configurable: true, writable: true });
    Object.defineProperty(this, KINDS, { value: kindsOf(new.target) });
  }

  static override [Symbol.hasInstance](this: unknown, value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: `this` is the class on the right of `instanceof`, maybe a subclass.
    return isInstance(this, value);
  }
}

function isInstance(type: unknown, value: unknown): boolean {
  const kind = ownKind(type);
  if (kind === undefined) {
    return Function.prototype[Symbol.hasInstance].call(type as () => void, value);
  }
  return brandOf(value).includes(kind);
}

/** What was caught may be anything, also a proxy that throws. */
function brandOf(value: unknown): readonly unknown[] {
  try {
    const kinds = typeof value === "object" && value !== null && KINDS in value ? value[KINDS] : undefined;
    return Array.isArray(kinds) ? kinds : [];
  } catch {
    return [];
  }
}

function ownKind(type: unknown): string | undefined {
  if (typeof type !== "function" || !Object.hasOwn(type, "kind")) {
    return undefined;
  }
  const { kind } = type as { kind?: unknown };
  return typeof kind === "string" ? kind : undefined;
}

function kindsOf(type: unknown): readonly string[] {
  const kinds: string[] = [];
  for (let current = type; typeof current === "function"; current = Object.getPrototypeOf(current)) {
    const kind = ownKind(current);
    if (kind !== undefined) {
      kinds.push(kind);
    }
  }
  return kinds;
}
