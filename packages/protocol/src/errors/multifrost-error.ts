import type { ErrorCode } from "./error-codes.js";

const KINDS = Symbol.for("multifrost.errorKinds");

/**
 * What is known of a call that failed.
 *
 * - `not-sent`: nothing left this process. Calling again cannot run the method twice.
 * - `not-run`: the worker refused it before the method ran. Calling again cannot run it twice either.
 * - `unknown`: the method may have run, in part or whole. One that threw has run.
 */
export type CallOutcome = "not-sent" | "not-run" | "unknown";

/** Details of every error. */
export interface ErrorDetails {
  /** The error that caused it; Node prints it below the stack. */
  cause?: unknown;
}

/**
 * The base class of all errors of this library.
 *
 * `code` is stable and meant for `switch`; `message` says what happened, to what, and what to do next.
 *
 * `instanceof` also works between two copies of the package in one process: it checks a brand that all copies share, not
 * the prototype. Classes that extend these are distinguished as usual.
 */
export class MultifrostError extends Error {
  /** Identifies this class for `instanceof` between copies. Classes that extend these do not set it. */
  static readonly kind: string = "MultifrostError";

  /** Says what happened, for `switch`. Stable. */
  readonly code: ErrorCode;

  /** What is known of the call that rejected with this error; absent from errors that ended no call. */
  declare readonly outcome?: CallOutcome;

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

/** Says on an error that ends a call what is known of the call, unless the error says it already. Returns the error. */
export function withOutcome<E>(error: E, outcome: CallOutcome): E {
  if (error instanceof MultifrostError && error.outcome === undefined) {
    Object.defineProperty(error, "outcome", { value: outcome, enumerable: true, configurable: true, writable: true });
  }
  return error;
}

function isInstance(type: unknown, value: unknown): boolean {
  const kind = ownKind(type);
  if (kind === undefined) {
    return Function.prototype[Symbol.hasInstance].call(type as () => void, value);
  }
  return brandOf(value).includes(kind);
}

/** A caught value may be anything, even a proxy that throws. */
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

/** The brands of each class: its errors share one array. */
const kindsOfClasses = new WeakMap<object, readonly string[]>();

function kindsOf(type: abstract new (...args: never[]) => unknown): readonly string[] {
  const known = kindsOfClasses.get(type);
  if (known !== undefined) {
    return known;
  }
  const kinds: string[] = [];
  for (let current: unknown = type; typeof current === "function"; current = Object.getPrototypeOf(current)) {
    const kind = ownKind(current);
    if (kind !== undefined) {
      kinds.push(kind);
    }
  }
  kindsOfClasses.set(type, kinds);
  return kinds;
}
