import { MultifrostError } from "../errors/index.js";

/** Returns `value`. Throws `MultifrostError` `INVALID_OPTION` unless it is a number of at least `least`. */
export function atLeast(least: number, name: string, value: number): number {
  if (typeof value === "number" && value >= least) {
    return value;
  }
  throw invalidOption(name, `a number of at least ${least}`, value);
}

/** The `INVALID_OPTION` error for an option that must be `wanted` and is `value`. */
export function invalidOption(name: string, wanted: string, value: unknown): MultifrostError {
  return new MultifrostError("INVALID_OPTION", `${name} must be ${wanted}, not ${String(value)}.`);
}
