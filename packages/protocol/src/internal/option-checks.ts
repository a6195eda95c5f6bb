// Checks of options, where they are given. Each package has a table of its options; the kinds of values are here.

import { type ErrorCode, MultifrostError } from "../errors/index.js";
import { nearestName } from "./nearest-name.js";

/** What the value of an option must be. */
export interface OptionRule {
  /** Completes "timeout must be …". */
  readonly wanted: string;
  accepts(value: unknown): boolean;
}

/** A rule for each option. `undefined` passes: such an option is left out. */
export type OptionRules<Options> = Readonly<Record<keyof Options & string, OptionRule>>;

/** Makes the error for a message. */
export type OptionError = (code: ErrorCode, message: string) => Error;

export function rule(wanted: string, accepts: (value: unknown) => boolean): OptionRule {
  return { wanted, accepts };
}

export const FLAG: OptionRule = rule("true or false", (value) => typeof value === "boolean");
export const TEXT: OptionRule = rule("a text", (value) => typeof value === "string");
export const NAME: OptionRule = rule("a text that is not empty", (value) => typeof value === "string" && value !== "");
export const CALLBACK: OptionRule = rule("a function", (value) => typeof value === "function");

/** A number of at least `least`; `Infinity` passes. */
export function numberFrom(least: number): OptionRule {
  return rule(`a number of at least ${least}`, (value) => typeof value === "number" && value >= least);
}

/** A whole number of at least `least`, or `Infinity`. */
export function countFrom(least: number): OptionRule {
  return rule(
    `a whole number of at least ${least}, or Infinity`,
    (value) => (Number.isInteger(value) || value === Number.POSITIVE_INFINITY) && (value as number) >= least,
  );
}

/** An object, or a function, with these methods. */
export function objectWith(wanted: string, ...methods: readonly string[]): OptionRule {
  return rule(
    wanted,
    (value) => isObject(value) && methods.every((method) => typeof Reflect.get(value, method) === "function"),
  );
}

/** A logger as `console` and pino are, or `false` for none. */
export const LOGGER: OptionRule = rule(
  "an object with the methods info, warn and error, as console and pino have them, or false",
  (value) => value === false || objectWith("", "info", "warn", "error").accepts(value),
);

/** Signals of another realm, as test runners have them, pass. */
export const SIGNAL: OptionRule = rule(
  "an AbortSignal, such as new AbortController().signal",
  (value) => isObject(value) && typeof Reflect.get(value, "aborted") === "boolean",
);

/**
 * Throws `INVALID_OPTION` for an option that is not known, or not what its rule says.
 *
 * @param owner Named where an option is not known: `ParentWorker.spawn`.
 * @param prefix Put before the names: `limits.`.
 */
export function checkOptions(
  owner: string,
  given: unknown,
  rules: Readonly<Record<string, OptionRule>>,
  { error = plainError, prefix = "" }: { error?: OptionError; prefix?: string } = {},
): void {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw error("INVALID_OPTION", `The options of ${owner} must be an object, not ${shown(given)}.`);
  }
  for (const name in given) {
    const value: unknown = Reflect.get(given, name);
    if (value === undefined) {
      continue;
    }
    const found = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (found === undefined) {
      throw error("INVALID_OPTION", unknownOption(owner, name, Object.keys(rules), prefix));
    }
    if (!found.accepts(value)) {
      throw error("INVALID_OPTION", `${prefix}${name} must be ${found.wanted}, not ${shown(value)}.`);
    }
  }
}

/** The `INVALID_OPTION` error for an option that must be `wanted` and is `value`. */
export function invalidOption(name: string, wanted: string, value: unknown): MultifrostError {
  return new MultifrostError("INVALID_OPTION", `${name} must be ${wanted}, not ${shown(value)}.`);
}

/** A value in a message: texts in quotes, so that `"5"` is not taken for 5. Runs no code of the value. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
    case "bigint":
      return `${value}n`;
    case "function":
      return "a function";
    case "object":
      return value === null ? "null" : Object.prototype.toString.call(value);
    default:
      return String(value);
  }
}

function unknownOption(owner: string, name: string, known: readonly string[], prefix: string): string {
  const nearest = nearestName(name, known);
  const next = nearest === undefined ? `It has ${known.join(", ")}.` : `Did you mean ${prefix}${nearest}?`;
  return `${owner} has no option ${shown(`${prefix}${name}`)}. ${next}`;
}

function plainError(code: ErrorCode, message: string): Error {
  return new MultifrostError(code, message);
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
